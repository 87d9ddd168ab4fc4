"""What a file is, by its content first and its name second."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from kgbuilder.errors import IngestError
from kgbuilder.ingest.encoding import marked_codec

__all__ = ["MEDIA_TYPES", "Format", "Kind", "recognize"]

Kind = Literal["txt", "md", "html", "pdf", "docx", "csv", "jsonl"]

MEDIA_TYPES: dict[Kind, str] = {
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv",
    "jsonl": "application/jsonl",
}

_SUPPORTED = "convert it to one of: " + ", ".join(MEDIA_TYPES)
_SUFFIXES: dict[str, Kind] = {
    ".txt": "txt",
    ".text": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_HEAD_BYTES = 65_536
_DIRECTORY_BYTES = 8 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGE = "an image: it needs OCR (text recognition) first"
_BINARIES = (
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF8", _IMAGE),
    (b"II*\0", _IMAGE),
    (b"MM\0*", _IMAGE),
    (b"RIFF", "a sound, film or image file"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_XML = re.compile(r"\s*<\?xml\b")
_JSON_RECORD = re.compile(r'\s*\{.*"text"\s*:\s*"', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The kind a file is read as, and a warning when its name says another."""

    kind: Kind
    warnings: tuple[str, ...] = ()


def recognize(stream: BinaryIO, name: str, where: str) -> Format:
    """Decide how to read a file; any zip archive is a "docx" here, since looking inside is left to that reader.

    Raises IngestError: it is a kind of file that cannot be read, with what to do.
    """
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    named = _SUFFIXES.get(Path(name).suffix.lower())
    kind = _binary_kind(stream, head, where) or _text_kind(head, named, name, where)
    if named is None or kind == named:
        return Format(kind=kind)
    suffix = Path(name).suffix
    return Format(kind=kind, warnings=(f"named {suffix}, but its content is {kind}: read as {kind}",))


def _binary_kind(stream: BinaryIO, head: bytes, where: str) -> Kind | None:
    """Return the kind that magic bytes show, None for a text.

    Raises IngestError: bytes of a kind that cannot be read.
    """
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "docx"
    if head.startswith(_OLE):
        raise _office_97(stream, where)
    for magic, what in _BINARIES:
        if head.startswith(magic):
            raise IngestError(f"this is {what}", where=where, remedy=_SUPPORTED)
    n_controls = len(head) - len(head.translate(None, _CONTROLS))
    if n_controls > max(3, 0.03 * len(head)) and marked_codec(head) is None:
        raise IngestError("this is a binary file of an unknown kind", where=where, remedy=_SUPPORTED)
    return None


def _text_kind(head: bytes, named: Kind | None, name: str, where: str) -> Kind:
    encoding = marked_codec(head)
    codec, skip = (encoding.codec, encoding.mark_bytes) if encoding else ("utf-8", 0)
    text = head[skip:].decode(codec, "replace")
    if _HTML.match(text):
        return "html"
    if _XML.match(text):
        raise IngestError("this is XML, which has no reader", where=where, remedy=_SUPPORTED)
    lines = [line for line in text.split("\n") if line.strip()]
    if named != "jsonl" and lines and _is_record(lines[0]):
        return "jsonl"
    if Path(name).suffix.lower() == ".json":
        remedy = 'write one object with a "text" key per line and name it .jsonl'
        raise IngestError("this is JSON, but not JSON Lines", where=where, remedy=remedy)
    if named in ("pdf", "docx") or named is None or (named == "html" and not _TAG.search(text)):
        return "txt"
    return named


def _is_record(line: str) -> bool:
    return line.rstrip().endswith("}") and _JSON_RECORD.match(line) is not None


def _office_97(stream: BinaryIO, where: str) -> IngestError:
    """Tell apart what hides in the container of old office files; its entry names are UTF-16."""
    stream.seek(0)
    content = stream.read(_DIRECTORY_BYTES)
    if "EncryptedPackage".encode("utf-16-le") in content:
        what, remedy = "the document is encrypted", "open it with its password and save it without one"
    elif "WordDocument".encode("utf-16-le") in content:
        what, remedy = "this is an old Word document (.doc)", "open it and save it as .docx"
    else:
        what, remedy = "this is an old office file", _SUPPORTED
    return IngestError(what, where=where, remedy=remedy)
