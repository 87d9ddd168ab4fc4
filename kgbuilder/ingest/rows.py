"""Readers for files of records: CSV becomes one text with a line per row, JSON Lines a document per line."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import BinaryIO

from kgbuilder.errors import IngestError
from kgbuilder.ingest.encoding import Encoding, clean, decode, decode_line, detect_encoding, marked_codec
from kgbuilder.ingest.language import detect_language
from kgbuilder.ingest.limits import Limits
from kgbuilder.records import Language, PageSpan

__all__ = ["Line", "read_csv", "read_jsonl"]

_SAMPLE_ROWS = 20
_DELIMITERS = ",\t;|"
_HOPELESS_LINES = 100
_ROW_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One good line of JSON Lines; `key` is its id, or its number where it has none."""

    text: str
    key: str
    name: str
    language: Language | None


def read_csv(stream: BinaryIO, *, where: str, limits: Limits) -> tuple[str, tuple[PageSpan, ...], tuple[str, ...]]:
    """Return the rows as text, a span for each with its row number as page (the header is row 1), and warnings.

    A row reads "column: value; column: value", under a Chinese header "列：值，列：值"; empty fields are left out and
    an empty line parts the rows.

    Raises IngestError: wrong encoding, a quote never closed, no row below the header.
    """
    encoding = detect_encoding(stream, where)
    rows = _rows(_lines(decode(stream, encoding)), where=where, limits=limits)
    header = next(rows, [])
    marks = ("：", "，") if detect_language("".join(header)) == "zh" else (": ", "; ")
    parts: list[str] = []
    spans: list[PageSpan] = []
    odd_rows: list[int] = []
    position = 0
    for number, row in enumerate(rows, start=2):
        text = _row_text(header, row, marks)
        if not text:
            continue
        if len(row) != len(header):
            odd_rows.append(number)
        parts.append(text)
        spans.append(PageSpan(start=position, end=position + len(text), page=number))
        position += len(text) + len(_ROW_GAP)
    if not parts:
        raise IngestError("there is no row below the header", where=where, remedy="check the file, or leave it out")
    text, replaced = clean(_ROW_GAP.join(parts))
    return text, tuple(spans), (*encoding.warnings, *replaced, *_odd(odd_rows))


def read_jsonl(stream: BinaryIO, *, where: str) -> Iterator[Line | IngestError]:
    """Yield a record per line, and an IngestError with the line's number for each that is none.

    A line is an object with a "text" and, if wanted, "id", "title", "source" and "lang"; other keys are ignored.
    """
    n_good = n_bad = 0
    seen: set[int] = set()
    for number, text in enumerate(_json_lines(stream, where), start=1):
        if isinstance(text, str) and not text.strip():
            continue
        line = _parse_line(text, number, where, seen)
        if isinstance(line, IngestError):
            n_bad += 1
        else:
            n_good += 1
        yield line
        if not n_good and n_bad >= _HOPELESS_LINES:
            what = f"none of the first {n_bad} lines is a record"
            yield IngestError(what, where=where, remedy='write one object with a "text" key per line')
            return
    if not n_good and not n_bad:
        yield IngestError("there is no line in it", where=where, remedy="check the file, or leave it out")


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Cut at "\\n" alone; `str.splitlines` would also cut at separators that stand inside a field."""
    rest = ""
    for piece in pieces:
        lines = (rest + piece).split("\n")
        rest = lines.pop()
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest


def _rows(lines: Iterator[str], *, where: str, limits: Limits) -> Iterator[list[str]]:
    head = [line for line, _ in zip(lines, range(_SAMPLE_ROWS), strict=False)]
    delimiter = _delimiter(head)
    csv.field_size_limit(limits.max_field_chars)
    reader = csv.reader(_chain(head, lines), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise IngestError(
            f"the row that ends at line {reader.line_num} is no CSV: {error}",
            where=where,
            remedy="look for a quotation mark that is never closed; double those inside a field",
        ) from error


def _chain(head: Sequence[str], lines: Iterator[str]) -> Iterator[str]:
    yield from head
    yield from lines


def _delimiter(head: Sequence[str]) -> str:
    """Choose the delimiter that cuts the first rows into the most fields of one number."""
    return max(_DELIMITERS, key=lambda delimiter: _evenness(head, delimiter))


def _evenness(head: Sequence[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter) if row]
    except csv.Error:
        return (0.0, 0)
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (widths.count(widths[0]) / len(widths), widths[0])


def _row_text(header: Sequence[str], row: Sequence[str], marks: tuple[str, str]) -> str:
    colon, comma = marks
    fields = []
    for number, (column, field) in enumerate(zip_longest(header, row, fillvalue=""), start=1):
        value = " ".join(field.split())
        if value:
            fields.append(f"{' '.join(column.split()) or number}{colon}{value}")
    return comma.join(fields)


def _odd(rows: Sequence[int]) -> tuple[str, ...]:
    if not rows:
        return ()
    return (f"rows with more or fewer fields than the header: {len(rows)}, the first is row {rows[0]}",)


def _json_lines(stream: BinaryIO, where: str) -> Iterator[str | UnicodeDecodeError]:
    """Yield each line's text, or what is wrong with its bytes.

    Raises IngestError: UTF-16 that is broken, where no line can be told from the next.
    """
    encoding = marked_codec(stream.read(4096)) or Encoding(codec="utf-8")
    if encoding.codec != "utf-8":
        yield from _lines(decode(stream, detect_encoding(stream, where)))
        return
    stream.seek(encoding.mark_bytes)
    codec = "utf-8" if encoding.mark_bytes else None
    for data in stream:
        try:
            text, codec = decode_line(data, codec)
        except UnicodeDecodeError as error:
            yield error
        else:
            yield text


def _parse_line(text: str | UnicodeDecodeError, number: int, where: str, seen: set[int]) -> Line | IngestError:
    where = f"{where} line {number}"
    if isinstance(text, UnicodeDecodeError):
        what = f"byte {text.start} of the line is not {text.encoding.upper()}"
        return IngestError(what, where=where, remedy="save the file as UTF-8")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return IngestError(f"this is not JSON: {error}", where=where, remedy="correct the line")
    if not isinstance(record, dict):
        return IngestError("this is JSON, but no object", where=where, remedy='write an object with a "text" key')
    return _line(record, number, where, seen)


def _line(record: dict[str, object], number: int, where: str, seen: set[int]) -> Line | IngestError:
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        return IngestError('it has no "text", or an empty one', where=where, remedy='add a "text" that is a string')
    identifier = record.get("id", number)
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or identifier == "":
        return IngestError('its "id" is neither a string nor a number', where=where, remedy='correct its "id"')
    # A set of hashes, not of ids: a corpus may have millions of lines.
    if "id" in record and hash(identifier) in seen:
        what = f'its "id" {str(identifier)[:80]!r} stands on a line before'
        return IngestError(what, where=where, remedy="give every line an id of its own, or none")
    if "id" in record:
        seen.add(hash(identifier))
    return Line(text=text, key=_plain(identifier), name=_name(record), language=_language(record.get("lang")))


def _name(record: dict[str, object]) -> str:
    for key in ("title", "source"):
        value = record.get(key)
        if isinstance(value, str) and value.strip():
            return _plain(" ".join(value.split()))
    return ""


def _language(value: object) -> Language | None:
    """Take "zh-CN" for "zh"; what is neither Chinese nor English is left to the text itself."""
    code = value[:2].lower() if isinstance(value, str) else ""
    return code if code in ("zh", "en") else None


def _plain(value: str | int) -> str:
    return clean(str(value))[0]
