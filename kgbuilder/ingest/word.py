"""Reader for docx: paragraphs, headings and tables in their order."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from kgbuilder.errors import IngestError
from kgbuilder.ingest.limits import Limits

__all__ = ["read_docx"]

_BLOCK_BYTES = 1 << 20
_FREE_BYTES = 16 << 20
_MAX_PARTS = 20_000
_CONTAINERS = frozenset({"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"})
# Deleted or moved text, field codes, the reading aid over Chinese characters, and the second copy of a text box.
_LEFT_OUT = frozenset({"del", "moveFrom", "delText", "instrText", "rt", "Fallback", "txbxContent", "pPr", "rPr"})
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_OTHERS = (
    ("xl/", "an Excel workbook", "save each sheet as .csv"),
    ("ppt/", "a PowerPoint presentation", "save it as .pdf"),
    ("content.xml", "an OpenDocument file", "save it as .docx"),
    ("META-INF/container.xml", "an e-book", "convert it to .html or .txt"),
    ("META-INF/MANIFEST.MF", "a Java archive", "leave it out"),
)


class _Node(Protocol):
    """The part of an lxml element that is used here."""

    tag: object
    text: str | None

    def __iter__(self) -> Iterator["_Node"]: ...


def read_docx(stream: BinaryIO, *, where: str, limits: Limits) -> str:
    """Return the text of a Word document, an empty line between paragraphs and " | " between the cells of a row.

    Headers, footers, notes and comments are left out; of tracked changes the accepted state is read.

    Raises IngestError: not a docx, damaged, encrypted, a zip bomb, without text.
    """
    damaged = IngestError(
        "the document is cut off or damaged", where=where, remedy="get the file again, or open it and save it anew"
    )
    try:
        with zipfile.ZipFile(stream) as archive:
            _check(archive, where, limits)
        stream.seek(0)
        text = _text(stream, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RecursionError, KeyError) as error:
        raise damaged from error
    except (ValueError, SyntaxError, AttributeError, OSError) as error:
        # A part of another type, malformed XML (lxml's error is a SyntaxError), an offset that lies outside the file.
        raise damaged from error
    if not text.strip():
        remedy = "if it shows pictures of text, it needs OCR (text recognition) first"
        raise IngestError("there is no text in the document", where=where, remedy=remedy)
    return text


def _check(archive: zipfile.ZipFile, where: str, limits: Limits) -> None:
    """Refuse what is no docx or would unpack to too much, first by what the directory says, then by unpacking it."""
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        remedy = "unpack it with its password and save it without one"
        raise IngestError("the archive is encrypted", where=where, remedy=remedy)
    n_unpacked = sum(part.file_size for part in parts)
    n_packed = max(1, sum(part.compress_size for part in parts))
    too_dense = n_unpacked > max(_FREE_BYTES, limits.max_unpack_ratio * n_packed)
    if len(parts) > _MAX_PARTS or too_dense or n_unpacked > limits.max_unpacked_bytes:
        raise _bomb(n_unpacked, where)
    names = [part.filename for part in parts]
    if not any(name.startswith("word/") for name in names):
        raise _other(names, where)
    n_read = 0
    for part in parts:
        with archive.open(part) as content:
            while block := content.read(_BLOCK_BYTES):
                n_read += len(block)
                if n_read > limits.max_unpacked_bytes:
                    raise _bomb(n_read, where)


def _bomb(n_bytes: int, where: str) -> IngestError:
    return IngestError(
        f"it unpacks to {n_bytes:,} bytes or more, as a zip bomb does",
        where=where,
        remedy="do not open it unless you trust it; if you do, raise max_unpacked_bytes and max_unpack_ratio",
    )


def _other(names: list[str], where: str) -> IngestError:
    for prefix, what, remedy in _OTHERS:
        if any(name.startswith(prefix) for name in names):
            return IngestError(f"this is {what}", where=where, remedy=remedy)
    return IngestError("this is a zip archive", where=where, remedy="unpack it and name the files in it")


def _text(stream: BinaryIO, where: str) -> str:
    import docx
    from docx.opc.exceptions import OpcError

    try:
        document = docx.Document(stream)
    except OpcError as error:
        remedy = "get the file again, or open it and save it anew"
        raise IngestError("the document is cut off or damaged", where=where, remedy=remedy) from error
    blocks = (block.strip() for block in _blocks(document.element.body))
    return "\n\n".join(block for block in blocks if block)


def _blocks(element: _Node) -> Iterator[str]:
    for child in element:
        name = _local_name(child)
        if name == "p":
            yield _inline(child)
            yield from _text_boxes(child)
        elif name == "tbl":
            yield "\n".join(row for row in _table_rows(child) if row.strip(" |"))
        elif name in _CONTAINERS:
            yield from _blocks(child)


def _table_rows(table: _Node) -> Iterator[str]:
    for row in table:
        if _local_name(row) == "tr":
            cells = (cell for cell in row if _local_name(cell) == "tc")
            yield " | ".join(" ".join(" ".join(_blocks(cell)).split()) for cell in cells)
        elif _local_name(row) in _CONTAINERS:
            yield from _table_rows(row)


def _inline(element: _Node) -> str:
    parts: list[str] = []
    for child in element:
        name = _local_name(child)
        if name in _LEFT_OUT:
            continue
        if name == "t":
            parts.append(child.text or "")
        else:
            parts.append(_SIGNS.get(name) or _inline(child))
    return "".join(parts)


def _text_boxes(element: _Node) -> Iterator[str]:
    for child in element:
        name = _local_name(child)
        if name == "txbxContent":
            yield from _blocks(child)
        elif name != "Fallback":
            yield from _text_boxes(child)


def _local_name(element: _Node) -> str:
    # Comments and processing instructions have a function for a tag.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
