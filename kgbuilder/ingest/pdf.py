"""Reader for PDF: the text of each page with its lines rejoined into paragraphs, and where each line stands."""

import re
import sys
from collections.abc import Iterator, Sequence
from ctypes import c_double
from itertools import pairwise
from math import hypot
from typing import TYPE_CHECKING, BinaryIO

from kgbuilder.errors import IngestError
from kgbuilder.ingest.encoding import clean
from kgbuilder.ingest.glyphs import fold_glyphs
from kgbuilder.ingest.layout import Box, Line, join_lines, running_lines
from kgbuilder.ingest.limits import Limits
from kgbuilder.records import PageSpan

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

__all__ = ["read_pdf"]

_HYPHEN = "\x02"
"""What PDFium puts in place of a hyphen at the end of a line and the line end after it."""

_SOFT_HYPHEN = "\u00ad"
_LINE = re.compile(f"([^\r\n{_HYPHEN}]*)({_HYPHEN}|\r\n?|\n|\\Z)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_END_MARK = b"%%EOF"
_PADDING = b"\0\r\n\t "
_TAIL_BYTES = 8_192
_PASSWORD_ERROR = 4
_UNMAPPED = re.compile("[\ufffd\ue000-\uf8ff]")
_CELL_GAP = 1.5
_MARK_WIDTH = 2.0
_MAX_UNMAPPED = 0.1
_MAX_NAMED_PAGES = 20


def read_pdf(stream: BinaryIO, *, where: str, limits: Limits) -> tuple[str, tuple[PageSpan, ...], tuple[str, ...]]:
    """Return the text of all pages, a span per line with its page and box, and warnings.

    Lines of one paragraph are rejoined: Chinese without a space, words cut by a hyphen made whole, others with a
    space. Running heads and page numbers are left out. Not thread-safe, as PDFium is not.

    Raises IngestError: encrypted, cut off, damaged, too many pages, or scanned, which has no text.
    """
    import pypdfium2

    _check_end(stream, where)
    try:
        document = pypdfium2.PdfDocument(stream)
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
    return text, spans, (*_warn(blank, broken), *replaced, *_unmapped(text))


def _check_end(stream: BinaryIO, where: str) -> None:
    """PDFium mends a file that was cut off and says nothing of the pages that are gone.

    Raises IngestError: the end mark is missing.
    """
    position, tail = stream.seek(0, 2), b""
    # Some programs fill the file up with zeros.
    while position and not tail.strip(_PADDING):
        position = max(0, position - _TAIL_BYTES)
        stream.seek(position)
        tail = stream.read(_TAIL_BYTES + len(_END_MARK))
    if _END_MARK not in tail:
        remedy = "get the file again, or open it in a viewer and print it to a new PDF"
        raise IngestError("the PDF is cut off: its end is missing", where=where, remedy=remedy)
    stream.seek(0)


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
    remedy = "check the file in a viewer, or leave it out"
    return IngestError("its pages show nothing: they are empty or damaged", where=where, remedy=remedy)


def _warn(blank: Sequence[int], broken: Sequence[int]) -> tuple[str, ...]:
    warnings = []
    if blank:
        warnings.append(f"pages without text, which may need OCR: {_named(blank)}")
    if broken:
        warnings.append(f"pages that are damaged and were left out: {_named(broken)}")
    return tuple(warnings)


def _unmapped(text: str) -> tuple[str, ...]:
    if len(_UNMAPPED.findall(text)) <= _MAX_UNMAPPED * len(text):
        return ()
    return ("its fonts do not say which characters they show: if the text is garbled, it needs OCR",)


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
    codes = [pdfium.FPDFText_GetUnicode(text_page.raw, index) for index in range(text_page.count_chars())]
    # One character per index, or the boxes asked for below would be those of other characters.
    text = "".join(chr(code) if code <= sys.maxunicode else "\ufffd" for code in codes)
    for match in _LINE.finditer(text):
        start, end = _trim(text, *match.span(1))
        if start < end:
            content = fold_glyphs(_pair_surrogates(text[start:end]))
            origin, size, boxes = _measure(text_page, start, end, _sizing(text, start, end))
            yield Line(
                text=content,
                page=number,
                x=origin[0],
                y=origin[1],
                size=size,
                box=_union(boxes) if boxes else (*origin, *origin),
                hyphen=match.group(2) == _HYPHEN,
                is_row=_has_cells(boxes, size),
            )
    text_page.close()


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] == _SOFT_HYPHEN):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] == _SOFT_HYPHEN):
        end -= 1
    return start, end


def _sizing(text: str, start: int, end: int) -> int:
    """Return the index of the character whose size is the line's: the first may be a list mark, a blank has none."""
    index = (start + end) // 2
    while index > start and text[index].isspace():
        index -= 1
    return index


def _measure(
    text_page: "PdfTextPage", start: int, end: int, sizing: int
) -> tuple[tuple[float, float], float, list[Box]]:
    """Return where the baseline of the characters begins, the size of their font, and their boxes."""
    import pypdfium2.raw as pdfium

    x, y, matrix = c_double(), c_double(), pdfium.FS_MATRIX()
    pdfium.FPDFText_GetCharOrigin(text_page.raw, start, x, y)
    pdfium.FPDFText_GetMatrix(text_page.raw, sizing, matrix)
    size = pdfium.FPDFText_GetFontSize(text_page.raw, sizing) * hypot(matrix.c, matrix.d)
    boxes = [text_page.get_rect(index) for index in range(text_page.count_rects(start, end - start))]
    return (x.value, y.value), size or 1.0, boxes


def _has_cells(rects: Sequence[Box], size: float) -> bool:
    """Tell whether wide gaps part a line; the one behind a list mark is none."""
    if rects and rects[0][2] - rects[0][0] < _MARK_WIDTH * size:
        rects = rects[1:]
    return any(right[0] - left[2] > _CELL_GAP * size for left, right in pairwise(rects))


def _pair_surrogates(text: str) -> str:
    """Make one character of the two halves that some systems' PDFium gives for it."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _union(boxes: Sequence[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return (round(min(lefts), 2), round(min(bottoms), 2), round(max(rights), 2), round(max(tops), 2))
