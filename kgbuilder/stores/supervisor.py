"""Run a command for exactly as long as standard input stays open.

    python -I -S supervisor.py COMMAND...

Whoever starts this holds the other end of the pipe; when it ends, however it ends, the pipe closes and the command with
it. The command's process id is the first line of standard output, its own output goes to standard error.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

__all__ = ["supervise"]

_STOP_S = 10.0
_PR_SET_PDEATHSIG = 1


def supervise(command: Sequence[str]) -> int:
    """Run `command` until it ends or standard input closes; return its exit status (128 + n for signal n)."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        close_fds=False,  # an inherited lock stays locked for as long as the command runs
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread runs yet
    )
    os.write(1, b"%d\n" % child.pid)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_stop_at_end_of_input, args=(child,), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _end_with_parent() -> None:
    # Should this process itself be killed, the kernel ends the command; elsewhere the broker does.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop_at_end_of_input(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    child.terminate()
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
