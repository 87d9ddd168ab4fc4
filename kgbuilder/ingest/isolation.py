"""Reading what strangers made in a process of its own, which may crash, hang or swell without harm to this one."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Timer
from typing import IO

from pydantic import TypeAdapter

from kgbuilder.errors import IngestError
from kgbuilder.ingest.files import printable
from kgbuilder.ingest.formats import Kind
from kgbuilder.ingest.limits import Limits
from kgbuilder.ingest.reader import read, recognize_file
from kgbuilder.records import Document

__all__ = ["DOCUMENT", "END", "ERROR", "ErrorFields", "read_isolated"]

DOCUMENT, ERROR, END = b"D", b"E", b"."
"""What each line of the child's answer begins with; JSON follows, and END closes the answer for one path."""

_PARSED: frozenset[Kind] = frozenset({"pdf", "docx", "html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFields:
    """An IngestError as it goes over the pipe."""

    what: str
    where: str
    remedy: str


def read_isolated(
    path: Path, *, source: str | None = None, limits: Limits | None = None
) -> Iterator[Document | IngestError]:
    """Yield what `read` yields, but parse PDF, docx and HTML in one child process that is kept for the next file.

    A child that crashes, takes longer than `max_reader_s` or more memory than `max_reader_bytes` costs this file an
    IngestError and is replaced. Plain formats are read in this process. Threads wait for one another.
    """
    limits = limits or Limits()
    if recognize_file(path, limits=limits) not in _PARSED:
        yield from read(path, source=source, limits=limits)
        return
    yield from _reader(os.getpid()).read(path, printable(path) if source is None else source, limits)


@lru_cache(maxsize=1)
def _reader(process: int) -> "_Reader":
    """Return the reader of this process; a fork must not share the pipes of its parent's."""
    reader = _Reader(process)
    atexit.register(reader.close)
    return reader


@lru_cache(maxsize=1)
def _documents() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


@lru_cache(maxsize=1)
def _errors() -> TypeAdapter[ErrorFields]:
    return TypeAdapter(ErrorFields)


class _Reader:
    """One child process, started when first needed and again after each death."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._child: subprocess.Popen[bytes] | None = None
        self._limits = Limits()
        self._lock = Lock()

    def read(self, path: Path, source: str, limits: Limits) -> list[Document | IngestError]:
        """Return what the child makes of a file."""
        with self._lock:
            child = self._running(limits)
            late = Event()
            timer = Timer(limits.max_reader_s, _end_late, (child, late))
            timer.start()
            is_answered = False
            try:
                found = self._ask(child, path, source)
                is_answered = True
                return found
            except (OSError, EOFError, ValueError):
                return [_died(source, limits, late.is_set())]
            finally:
                timer.cancel()
                # What the child still has to say must not be taken for the answer to the next question.
                if not is_answered:
                    self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None and self._process == os.getpid():
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _running(self, limits: Limits) -> "subprocess.Popen[bytes]":
        if self._child is not None and (self._child.poll() is not None or self._limits != limits):
            self.close()
        if self._child is None:
            # -P: the current folder may be the one with the strangers' files, and is no place to import from.
            command = [sys.executable, "-P", "-m", "kgbuilder.ingest.worker", json.dumps(asdict(limits))]
            pipe = subprocess.PIPE
            self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
            self._limits = limits
        return self._child

    def _ask(self, child: "subprocess.Popen[bytes]", path: Path, source: str) -> list[Document | IngestError]:
        """Raises OSError, EOFError or ValueError: the child is gone or talks nonsense."""
        if child.stdin is None or child.stdout is None:
            raise EOFError
        question = json.dumps({"path": str(path.absolute()), "source": source})
        child.stdin.write(question.encode("ascii") + b"\n")
        child.stdin.flush()
        return list(_answers(child.stdout))


def _answers(stream: IO[bytes]) -> Iterator[Document | IngestError]:
    """Read what `kgbuilder.ingest.worker` writes.

    Raises EOFError: it ends before it says so. Raises ValueError: it is not as agreed.
    """
    while (line := stream.readline()).endswith(b"\n"):
        mark, content = line[:1], line[1:]
        if mark == END:
            return
        if mark == DOCUMENT:
            yield _documents().validate_json(content)
        else:
            fields = _errors().validate_json(content)
            yield IngestError(fields.what, where=fields.where, remedy=fields.remedy)
    raise EOFError


def _end_late(child: "subprocess.Popen[bytes]", late: Event) -> None:
    late.set()
    child.kill()


def _died(where: str, limits: Limits, timed_out: bool) -> IngestError:
    if timed_out:
        what = f"reading it took longer than {limits.max_reader_s:g} seconds"
        return IngestError(what, where=where, remedy="split the file, or raise max_reader_s")
    what = "the reader died of it: the file is damaged, hostile, or takes too much memory"
    return IngestError(what, where=where, remedy="open it and save it anew, split it, or raise max_reader_bytes")
