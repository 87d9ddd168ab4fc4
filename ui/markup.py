"""Small pieces of HTML. Every text that enters one is escaped here and nowhere else."""

import html
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from ui.theme import TONES, color_of

__all__ = [
    "badge",
    "bars",
    "chip",
    "clipped",
    "entity_link",
    "escaped",
    "notice",
    "one_line",
    "page_link",
    "printable",
    "stack",
    "tiles",
]

# What cannot be seen but changes what is seen: controls, zero-width space, bidi overrides and isolates, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_HALVES = re.compile("[\ud800-\udfff]")
MAX_NAME_CHARS = 60


def printable(text: str) -> str:
    """Return `text` with invisible controls shown as ‹202E› and halves of surrogate pairs as �."""
    shown = _HIDDEN.sub(lambda found: f"‹{ord(found[0]):04X}›", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _HALVES.sub("\ufffd", shown)


def clipped(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """Return at most `limit` characters of `text`, with … where more follow."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """Return `text` fit for a cell of a table: one line, nothing hidden, not too long."""
    return clipped(printable(" ".join(clipped(text, 4 * limit).split())), limit)


def escaped(text: str) -> str:
    """Return `text` as HTML that shows it and does nothing else."""
    return html.escape(printable(text), quote=True)


def page_link(page: str, **parameters: str) -> str:
    """Return the address of one of our pages, escaped for an attribute; relative, so it works behind a proxy."""
    return html.escape(f"./{page}?{urlencode(parameters, errors='replace')}", quote=True)


def entity_link(entity_id: str, language: str) -> str:
    """Return the address of an entity's page."""
    return page_link("entities", id=entity_id, lang=language)


def badge(text: str, tone: str = "quiet") -> str:
    """Return a small coloured label; `tone` is one of `TONES`."""
    return f'<span class="kg-badge" style="--c:{TONES[tone]}">{escaped(text)}</span>'


def chip(name: str, label: str, *, type_name: str = "", href: str = "") -> str:
    """Return an entity as a chip in the colour of its type; `href` comes from `page_link`."""
    inner = f'<i class="kg-dot"></i><bdi>{escaped(clipped(name))}</bdi>'
    inner += f"<small>{escaped(type_name)}</small>" if type_name else ""
    title = escaped(clipped(name, 400))
    style = f'class="kg-chip" style="--c:{color_of(label)}" title="{title}"'
    return f'<a {style} href="{href}">{inner}</a>' if href else f"<span {style}>{inner}</span>"


def tiles(values: Iterable[tuple[str, str, str]]) -> str:
    """Return numbers side by side, each as (name, number, note)."""
    cells = "".join(
        f'<div class="kg-tile"><div class="kg-tile-n">{escaped(number)}</div>'
        f'<div class="kg-tile-l">{escaped(name)}</div><div class="kg-tile-x">{escaped(note)}</div></div>'
        for name, number, note in values
    )
    return f'<div class="kg-tiles">{cells}</div>'


def bars(rows: Sequence[tuple[str, int, str]], *, more: str = "") -> str:
    """Return a list of (name, number, colour) with a bar as long as the number; `more` says what is left out."""
    top = max((n for _, n, _ in rows), default=1)
    lines = "".join(
        f'<li style="--c:{color}"><span class="kg-bar-name"><bdi>{escaped(clipped(name))}</bdi></span>'
        f'<span class="kg-bar"><i style="width:{max(2, round(100 * n / top))}%"></i></span>'
        f'<span class="kg-bar-n">{n:,}</span></li>'
        for name, n, color in rows
    )
    rest = f'<div class="kg-more">{escaped(more)}</div>' if more else ""
    return f'<ul class="kg-bars">{lines}</ul>{rest}'


def stack(parts: Sequence[tuple[str, int, str]]) -> str:
    """Return one bar of parts, each as (name, number, tone), with its legend; parts of zero are left out."""
    shown = [(name, n, TONES[tone]) for name, n, tone in parts if n]
    segments = "".join(f'<i style="--c:{color};flex:{n}"></i>' for _, n, color in shown)
    legend = "".join(
        f'<span style="--c:{color}"><i class="kg-dot"></i>{escaped(name)} <b>{n:,}</b></span>'
        for name, n, color in shown
    )
    return f'<div class="kg-stack">{segments}</div><div class="kg-legend">{legend}</div>'


def notice(title: str, lines: Iterable[str] = (), *, tone: str = "quiet") -> str:
    """Return a card that tells something, line by line."""
    body = "".join(f"<p>{escaped(line)}</p>" for line in lines if line)
    return f'<div class="kg-notice" role="status" style="--c:{TONES[tone]}"><h4>{escaped(title)}</h4>{body}</div>'
