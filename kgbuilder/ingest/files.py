"""Finding files and opening one without ever waiting on it."""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kgbuilder.errors import IngestError
from kgbuilder.ingest.limits import Limits

__all__ = ["find_files", "open_file", "printable"]

_LITTER = frozenset({"thumbs.db", "desktop.ini"})
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def find_files(paths: Sequence[str | Path]) -> Iterator[Path]:
    """Yield the files that `paths` name, each once: a file as it is, a folder with all below it sorted, a glob.

    Hidden files, office lock files and linked folders inside a folder are left out. A path that leads nowhere is
    yielded too, so that reading it says so.
    """
    seen: set[str] = set()
    for path in paths:
        for found in _expand(Path(path)):
            key = os.path.abspath(found)
            if key not in seen:
                if len(paths) > 1:
                    seen.add(key)
                yield found


@contextmanager
def open_file(path: Path, *, where: str, limits: Limits) -> Iterator[BinaryIO]:
    """Open a regular file for reading bytes; `where` is what errors call it.

    Raises IngestError: it is missing, not a regular file, larger than the limit, or may not be read.
    """
    try:
        # Without O_NONBLOCK the opening of a named pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise _unopened(path, where, error) from error
    try:
        _check(os.fstat(descriptor), where, limits)
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def printable(path: Path) -> str:
    """Return the path with forward slashes; bytes of a file name that are no UTF-8 become U+FFFD."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


def _expand(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from _walk(path)
    elif os.path.lexists(path) or not glob.has_magic(str(path)):
        yield path
    else:
        matches = sorted(glob.glob(str(path), recursive=True))
        for match in matches:
            yield from _walk(Path(match)) if os.path.isdir(match) else [Path(match)]
        if not matches:
            yield path


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        # Yielded as it is, so that reading it says why.
        yield folder
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")) or entry.name.lower() in _LITTER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name)
        elif not entry.is_dir():
            yield folder / entry.name


def _check(facts: os.stat_result, where: str, limits: Limits) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(facts.st_mode):
            raise IngestError(f"this is {kind}, not a file", where=where, remedy="name regular files or their folder")
    if facts.st_size > limits.max_file_bytes:
        raise IngestError(
            f"the file has {facts.st_size:,} bytes, more than the limit of {limits.max_file_bytes:,}",
            where=where,
            remedy="split it into smaller files, or raise max_file_bytes",
        )
    if facts.st_size == 0:
        raise IngestError("the file is empty", where=where, remedy="check how it was made, or leave it out")


def _unopened(path: Path, where: str, error: OSError | ValueError) -> IngestError:
    if isinstance(error, ValueError):
        return IngestError("the path has a NUL character in it", where=where, remedy="check the path")
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return IngestError("the link leads to no file", where=where, remedy="restore its target, or remove it")
        if glob.has_magic(str(path)):
            return IngestError("no file matches the pattern", where=where, remedy="check the pattern and the folder")
        return IngestError("there is no such file", where=where, remedy="check the path")
    if isinstance(error, PermissionError):
        return IngestError("no permission to read it", where=where, remedy="give this user the right to read the file")
    if isinstance(error, IsADirectoryError):
        return IngestError("this is a folder, not a file", where=where, remedy="name regular files or their folder")
    reason = (error.strerror or str(error)).lower()
    return IngestError(f"it cannot be opened: {reason}", where=where, remedy="check the path and the disk")
