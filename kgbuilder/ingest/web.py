"""Reader for HTML: the main text of a page, its title first."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from kgbuilder.errors import IngestError
from kgbuilder.ingest.encoding import clean, decode_bytes, marked_codec
from kgbuilder.ingest.language import CJK

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["read_html"]

_HEAD_BYTES = 4096
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CJK_LINE_END = re.compile(f"(?<=[{CJK}])[ \t]*\r?\n[ \t]*(?=[{CJK}])")
_TABLE_RULE = re.compile(r"\|?[-:| ]+\|?")
_UNSEEN = ("script", "style", "noscript", "template", "head", "svg", "iframe", "object")
_BLOCK = re.compile(
    "address|article|aside|blockquote|br|caption|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr"
    "|legend|li|main|nav|ol|option|p|pre|section|summary|table|td|th|title|tr|ul"
)


def read_html(stream: BinaryIO, *, where: str) -> tuple[str, tuple[str, ...]]:
    """Return the main text of a page, an empty line between its blocks, with warnings.

    Where no main text can be told from the rest, all that a reader would see. Scripts and styles never.

    Raises IngestError: wrong encoding, or nothing to read.
    """
    html, doubts = _decode(stream.read(), where)
    # A line end between two Chinese characters is no space.
    html, warnings = clean(_CJK_LINE_END.sub("", _DECLARATION.sub("", html)))
    tree, cuts = _parse(html, where)
    title = _title(tree)
    # Taking out the main text may leave the tree in pieces.
    lines = _main_lines(tree) or list(_visible_lines(_parse(html, where)[0]))
    if title and (not lines or not title.startswith(lines[0])):
        lines.insert(0, title)
    if not lines:
        remedy = "a page that builds itself by script must be saved from a browser first"
        raise IngestError("there is no text on the page", where=where, remedy=remedy)
    return "\n\n".join(lines), (*doubts, *warnings, *cuts)


def _decode(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """Decode by what the page says of itself, unless it is UTF-8 all the same or says what cannot be."""
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if marked_codec(data[:_HEAD_BYTES]) is None and not name.startswith(("utf-16", "utf-32")):
        # Pages that say "gb2312" use its superset, as those that say "iso-8859-1" do.
        codec = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252"}.get(name, name)
        for attempt in ("utf-8", codec):
            try:
                return data.decode(attempt), ()
            except (LookupError, UnicodeError):
                continue
    return decode_bytes(data, where)


def _parse(html: str, where: str) -> tuple["HtmlElement", tuple[str, ...]]:
    """Return the tree of a page, and a warning where the parser gave up on the rest of it.

    Raises IngestError: there is no markup at all.
    """
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        tree = document_fromstring(html, parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        remedy = "check the file, or save the page from a browser again"
        raise IngestError("there is no page in it", where=where, remedy=remedy) from error
    fatal = [entry.line for entry in parser.error_log if entry.level == etree.ErrorLevels.FATAL]
    cut = f"the page is nested too deep to be read beyond line {fatal[0]}: text is missing" if fatal else ""
    return tree, (cut,) if cut else ()


def _title(tree: "HtmlElement") -> str:
    found = tree.xpath('//meta[@property="og:title"]/@content') + tree.xpath("//head/title/text()")
    return next((" ".join(title.split()) for title in map(str, found) if title.strip()), "")


def _main_lines(tree: "HtmlElement") -> list[str]:
    """Return the main text as trafilatura sees it, one item per block; empty where it sees none."""
    import trafilatura

    text = trafilatura.extract(tree, include_comments=False, include_tables=True) or ""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not (len(line) > 2 and _TABLE_RULE.fullmatch(line))]


def _visible_lines(tree: "HtmlElement") -> Iterator[str]:
    for unseen in tree.xpath(" | ".join(f"//{tag}" for tag in _UNSEEN)):
        unseen.drop_tree()
    line: list[str] = []
    for part in _text_parts(tree):
        if part is not None:
            line.append(part)
        elif text := " ".join("".join(line).split()):
            yield text
            line = []
        else:
            line = []
    if text := " ".join("".join(line).split()):
        yield text


def _text_parts(tree: "HtmlElement") -> Iterator[str | None]:
    """Yield the texts in document order, None where a block begins or ends."""
    from lxml import etree

    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if isinstance(element.tag, str) and _BLOCK.fullmatch(element.tag):
            yield None
        text = element.text if event == "start" else element.tail
        if text:
            yield text
