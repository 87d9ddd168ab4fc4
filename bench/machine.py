"""What every benchmark prints beside its numbers."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ROOT", "machine", "spread"]

ROOT = Path(__file__).parents[1]


def machine() -> str:
    """Describe the machine, its load now, and the commit that is measured."""
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, "
        f"commit {commit or 'unknown'}"
    )


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Write the median of values with the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
