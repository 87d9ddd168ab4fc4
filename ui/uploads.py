"""Uploaded bytes on disk: kept under their sha256, under a name that cannot leave its folder."""

import hashlib
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kgbuilder.errors import StoreError

__all__ = ["Stored", "Upload", "safe_name", "save"]

_MAX_NAME_BYTES = 150
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff<>:"|?*]')
_SLICE_BYTES = 1 << 20


class Upload(Protocol):
    """A file as the page hands it over."""

    @property
    def name(self) -> str:
        """The name the browser gave."""

    def getbuffer(self) -> memoryview:
        """Return the bytes without copying them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where an upload is kept, relative to the workspace, and the source it stands for."""

    path: str
    source: str


def safe_name(name: str) -> str:
    """Return a file name made of the last part of `name`: no folders, nothing hidden, at most 150 bytes."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, suffix = _UNSAFE.sub("", last).strip(" .").rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    suffix = suffix[:20]
    room = _MAX_NAME_BYTES - len(suffix.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore").strip(" .")
    return f"{stem or 'file'}.{suffix}" if suffix else stem or "file"


def save(folder: Path, upload: Upload) -> Stored:
    """Write an upload under `folder` (the workspace's uploads); the same bytes twice are kept once.

    Raises StoreError when they cannot be written.
    """
    content = upload.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    name = safe_name(upload.name)
    target = folder / digest / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _write(target, content)
    except OSError as error:
        raise StoreError(
            f"the upload cannot be kept: {error.strerror}",
            where=str(target),
            remedy="free some disk space and make the workspace writable, then upload it again",
        ) from error
    return Stored(path=str(target.relative_to(folder.parent)), source=f"upload:{digest[:12]}/{name}")


def _write(target: Path, content: memoryview) -> None:
    # Beside its place first: a process that dies leaves no half file under the name of the whole.
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            for begin in range(0, len(content), _SLICE_BYTES):
                file.write(content[begin : begin + _SLICE_BYTES])
        os.replace(temporary, target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
