"""A child process of the app: `python -m ui.child worker FOLDER`, or `python -m ui.child pages FLAG...`.

Its standard input is a pipe that the parent holds open. When the parent ends, however it ends, the pipe closes and the
child ends too.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kgbuilder.errors import KGBuilderError

__all__ = ["main"]

_GRACE_S = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run the worker or the pages until the parent ends."""
    kind, *rest = arguments
    threading.Thread(target=_end_with_parent, name="kgbuilder-lifeline", daemon=True).start()
    return _work(Path(rest[0])) if kind == "worker" else _serve(rest)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)  # nothing is lost by it: every batch is committed whole


def _work(folder: Path) -> int:
    from kgbuilder.config import open_workspace
    from ui.worker import run_worker

    logging.basicConfig(level=logging.WARNING, format="worker: %(message)s")
    try:
        run_worker(open_workspace(folder), wait=True)
    except KGBuilderError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 1
    return 0


def _serve(flags: Sequence[str]) -> int:
    from streamlit.web.cli import main as streamlit

    app = Path(__file__).parent / "entry" / "app.py"
    sys.argv = ["streamlit", "run", str(app), *flags]
    streamlit()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
