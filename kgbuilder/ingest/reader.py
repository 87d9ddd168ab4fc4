"""From one file to its documents, whatever the format; what cannot be read becomes an error beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kgbuilder.errors import IngestError
from kgbuilder.ids import content_id
from kgbuilder.ingest.encoding import clean, decode, detect_encoding
from kgbuilder.ingest.files import open_file, printable
from kgbuilder.ingest.formats import MEDIA_TYPES, Kind, recognize
from kgbuilder.ingest.language import detect_language
from kgbuilder.ingest.limits import Limits
from kgbuilder.records import Document, Language, PageSpan

__all__ = ["read", "recognize_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """What a format's reader finds in a file."""

    text: str
    pages: tuple[PageSpan, ...] = ()
    warnings: tuple[str, ...] = ()


def read(path: Path, *, source: str | None = None, limits: Limits | None = None) -> Iterator[Document | IngestError]:
    """Yield the documents of a file: one, or one per line of JSON Lines.

    What fails is yielded as an IngestError in its place, for the whole file or one line, and reading goes on; nothing
    is raised for bad content. `source` is what the documents are to name as their source, the path by default.
    """
    limits = limits or Limits()
    where = printable(path) if source is None else source
    try:
        with open_file(path, where=where, limits=limits) as stream:
            yield from _read(stream, path=path, source=where, limits=limits)
    except IngestError as error:
        yield error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield IngestError(f"reading it failed: {reason}", where=where, remedy="check the disk and try again")
    except UnicodeDecodeError:
        yield IngestError("the file changed while it was read", where=where, remedy="read it again")
    except MemoryError:
        yield IngestError("reading it takes more memory than there is", where=where, remedy="split the file")


def recognize_file(path: Path, *, limits: Limits) -> Kind | None:
    """Return the kind a file will be read as; None where `read` will say what is wrong with it."""
    try:
        with open_file(path, where="", limits=limits) as stream:
            return recognize(stream, path.name, "").kind
    except (IngestError, OSError):
        return None


def _read(stream: BinaryIO, *, path: Path, source: str, limits: Limits) -> Iterator[Document | IngestError]:
    name = printable(Path(path.name))
    form = recognize(stream, path.name, source)
    stream.seek(0)
    if form.kind == "jsonl":
        yield from _read_lines(stream, name=name, source=source, warnings=form.warnings)
        return
    body = _body(form.kind, stream, source=source, limits=limits)
    warnings = (*form.warnings, *body.warnings)
    yield _document(
        text=body.text, kind=form.kind, source=source, name=name, pages=body.pages, warnings=warnings, language=None
    )


def _body(kind: Kind, stream: BinaryIO, *, source: str, limits: Limits) -> _Body:
    if kind == "pdf":
        from kgbuilder.ingest.pdf import read_pdf

        text, pages, warnings = read_pdf(stream, where=source, limits=limits)
        return _Body(text=text, pages=pages, warnings=warnings)
    if kind == "docx":
        from kgbuilder.ingest.word import read_docx

        text, warnings = clean(read_docx(stream, where=source, limits=limits))
        return _Body(text=text, warnings=warnings)
    if kind == "html":
        from kgbuilder.ingest.web import read_html

        text, warnings = read_html(stream, where=source)
        return _Body(text=text, warnings=warnings)
    if kind == "csv":
        from kgbuilder.ingest.rows import read_csv

        text, pages, warnings = read_csv(stream, where=source, limits=limits)
        return _Body(text=text, pages=pages, warnings=warnings)
    encoding = detect_encoding(stream, source)
    text, warnings = clean("".join(decode(stream, encoding)))
    return _Body(text=text, warnings=(*encoding.warnings, *warnings))


def _read_lines(
    stream: BinaryIO, *, name: str, source: str, warnings: tuple[str, ...]
) -> Iterator[Document | IngestError]:
    from kgbuilder.ingest.rows import read_jsonl

    for line in read_jsonl(stream, where=source):
        if isinstance(line, IngestError):
            yield line
            continue
        text, replaced = clean(line.text)
        yield _document(
            text=text,
            kind="jsonl",
            source=f"{source}#{line.key}",
            name=line.name or f"{name}#{line.key}",
            pages=(),
            warnings=(*warnings, *replaced),
            language=line.language,
        )


def _document(
    *,
    text: str,
    kind: Kind,
    source: str,
    name: str,
    pages: tuple[PageSpan, ...],
    warnings: tuple[str, ...],
    language: Language | None,
) -> Document:
    """Raises IngestError: there is nothing to read in the text."""
    if not text or text.isspace():
        raise IngestError("there is no text in it", where=source, remedy="check the file, or leave it out")
    return Document(
        id=content_id("document", text),
        source=source,
        name=name,
        text=text,
        media_type=MEDIA_TYPES[kind],
        language=language or detect_language(text),
        pages=pages,
        warnings=warnings,
    )
