"""Run every benchmark, one after the other: python -m bench [NAME...]."""

import subprocess
import sys

NAMES = ("ingest", "lexicon", "compact", "endpoint", "resolve", "stores", "build")


def main() -> int:
    """Run the named benchmarks, or all."""
    failed = [name for name in sys.argv[1:] or NAMES if _run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _run(name: str) -> int:
    print(f"\n=== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
