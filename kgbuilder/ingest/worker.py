"""The child process of `read_isolated`: a path per line on standard input, documents and errors on standard output."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from kgbuilder.errors import IngestError
from kgbuilder.ingest.isolation import DOCUMENT, END, ERROR, ErrorFields
from kgbuilder.ingest.limits import Limits
from kgbuilder.ingest.reader import read
from kgbuilder.records import Document

__all__ = ["main"]

_GRACE_S = 10


def main() -> None:
    """Answer until standard input ends."""
    limits = TypeAdapter(Limits).validate_json(sys.argv[1])
    _restrict(limits)
    # Libraries may print; what they print must not come between the answers.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        for line in sys.stdin.buffer:
            question = json.loads(line)
            _set_alarm(limits.max_reader_s + _GRACE_S)
            for answer in _answer(Path(question["path"]), question["source"], limits):
                answers.write(answer + b"\n")
            answers.flush()
            _set_alarm(0)


def _answer(path: Path, source: str, limits: Limits) -> Iterator[bytes]:
    documents = TypeAdapter(Document)
    for item in read(path, source=source, limits=limits):
        if isinstance(item, IngestError):
            fields = ErrorFields(what=item.what, where=item.where, remedy=item.remedy)
            yield ERROR + json.dumps(asdict(fields)).encode("ascii")
        else:
            yield DOCUMENT + documents.dump_json(item)
    yield END


def _restrict(limits: Limits) -> None:
    """Bound the address space and leave Ctrl-C to the parent, which ends this process when it ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits.max_reader_bytes, limits.max_reader_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _set_alarm(seconds: float) -> None:
    """Let the system end this process should it hang when the parent is gone; 0 takes the alarm back."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
