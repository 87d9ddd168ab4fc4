"""Reader for PDF: the text of each page with its lines rejoined into paragraphs, and where each line stands."""

import re
from collections.abc import Iterator, Sequence
from ctypes import c_double
from pathlib import Path
from typing import TYPE_CHECKING

from kgbuilder.errors import IngestError
from kgbuilder.ingest.encoding import clean
from kgbuilder.ingest.glyphs import fold_glyphs
from kgbuilder.ingest.layout import Box, Line, join_lines, running_lines
from kgbuilder.ingest.limits import Limits
from kgbuilder.records import PageSpan

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

__all__ = ["read_pdf"]

_HYPHEN = "\x02"
"""What PDFium puts in place of a hyphen at the end of a line and the line end after it."""

_LINE = re.compile(f"([^\r\n{_HYPHEN}]*)({_HYPHEN}|\r?\n|\Z)")
_END_MARK = b"%%EOF"
_TAIL_BYTES = 8_192
_PASSWORD_ERROR = 4
_MAX_NAMED_PAGES = 20


def read_pdf(path: Path, *, where: str, limits: Limits) -> tuple[str, tuple[PageSpan, ...], tuple[str, ...]]:
    """Return the text of all pages, a span per line with its page and box, and warnings.

    Lines of one paragraph are rejoined: Chinese without a space, words cut by a hyphen made whole, others with a
    space. Running heads and page numbers are left out. Not thread-safe, as PDFium is not.

    Raises IngestError: encrypted, cut off, damaged, too many pages, or scanned, which has no text.
    """
    import pypdfium2

    _check_end(path, where)
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise _unopened(error.err_code == _PASSWORD_ERROR, where) from error
    try:
        if len(document) > limits.max_pages:
            what = f"it has {len(document):,} pages, more than the limit of {limits.max_pages:,}"
            raise IngestError(what, where=where, remedy="split it, or raise max_pages")
        pages, blank, broken = _read_pages(document)
    finally:
        document.close()
    if not any(pages):
        raise _textless(len(pages), bool(blank), where)
    heads = running_lines(pages)
    lines = [line for page in pages for line in page]
    text, spans = join_lines([line for line in lines if line not in heads] or lines)
    text, replaced = clean(text)
    return text, spans, (*_warn(blank, broken), *replaced)


def _check_end(path: Path, where: str) -> None:
    """PDFium mends a file that was cut off and says nothing of the pages that are gone.

    Raises IngestError: the end mark is missing.
    """
    with path.open("rb") as stream:
        stream.seek(0, 2)
        n_bytes = stream.tell()
        stream.seek(max(0, n_bytes - _TAIL_BYTES))
        tail = stream.read()
        while n_bytes and not tail.strip(b"\0\r\n\t "):
            n_bytes = max(0, n_bytes - _TAIL_BYTES)
            stream.seek(max(0, n_bytes - _TAIL_BYTES))
            tail = stream.read(_TAIL_BYTES)
    if _END_MARK not in tail:
        remedy = "get the file again, or open it in a viewer and print it to a new PDF"
        raise IngestError("the PDF is cut off: its end is missing", where=where, remedy=remedy)


def _unopened(encrypted: bool, where: str) -> IngestError:
    if encrypted:
        remedy = "open it with its password and save it without one"
        return IngestError("the PDF is encrypted", where=where, remedy=remedy)
    return IngestError("the PDF is damaged", where=where, remedy="get the file again, or print it to a new PDF")


def _textless(n_pages: int, has_content: bool, where: str) -> IngestError:
    if has_content:
        what = f"there is no text on any of its {n_pages} pages: it is scanned and needs OCR"
        remedy = "run OCR (text recognition) on it first, such as ocrmypdf"
        return IngestError(what, where=where, remedy=remedy)
    return IngestError("its pages are empty", where=where, remedy="check the file, or leave it out")


def _warn(blank: Sequence[int], broken: Sequence[int]) -> tuple[str, ...]:
    warnings = []
    if blank:
        warnings.append(f"pages without text, which may need OCR: {_named(blank)}")
    if broken:
        warnings.append(f"pages that are damaged and were left out: {_named(broken)}")
    return tuple(warnings)


def _named(pages: Sequence[int]) -> str:
    more = f" and {len(pages) - _MAX_NAMED_PAGES} more" if len(pages) > _MAX_NAMED_PAGES else ""
    return ", ".join(map(str, pages[:_MAX_NAMED_PAGES])) + more


def _read_pages(document: "PdfDocument") -> tuple[list[list[Line]], list[int], list[int]]:
    """Return the lines of each page, the numbers of pages that show something but no text, and of damaged ones."""
    import pypdfium2

    pages: list[list[Line]] = []
    blank: list[int] = []
    broken: list[int] = []
    for number in range(1, len(document) + 1):
        lines: list[Line] = []
        try:
            page = document[number - 1]
            lines = list(_page_lines(page, number))
            if not lines and next(iter(page.get_objects(max_depth=1)), None) is not None:
                blank.append(number)
            page.close()
        except pypdfium2.PdfiumError:
            broken.append(number)
        pages.append(lines)
    return pages, blank, broken


def _page_lines(page: "PdfPage", number: int) -> Iterator[Line]:
    """Yield the lines of a page in the order PDFium reads them."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    raw = text_page.raw
    codes = [pdfium.FPDFText_GetUnicode(raw, index) for index in range(text_page.count_chars())]
    # One character per index, or the boxes asked for below would be those of other characters.
    text = "".join(map(chr, codes))
    x, y = c_double(), c_double()
    for match in _LINE.finditer(text):
        content = fold_glyphs(match.group(1)).strip()
        if not content:
            continue
        start, end = match.span(1)
        start += len(match.group(1)) - len(match.group(1).lstrip())
        pdfium.FPDFText_GetCharOrigin(raw, start, x, y)
        rects = [text_page.get_rect(index) for index in range(text_page.count_rects(start, end - start))]
        yield Line(
            text=content,
            page=number,
            x=x.value,
            y=y.value,
            size=pdfium.FPDFText_GetFontSize(raw, start) or 1.0,
            box=_union(rects) if rects else (x.value, y.value, x.value, y.value),
            hyphen=match.group(2) == _HYPHEN,
        )
    text_page.close()


def _union(boxes: Sequence[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return (round(min(lefts), 2), round(min(bottoms), 2), round(max(rights), 2), round(max(tops), 2))
