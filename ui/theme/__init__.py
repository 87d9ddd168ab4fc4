"""The look: colours of types, the style sheet, the page's icon. All of it comes from this folder."""

import functools
import zlib
from pathlib import Path

__all__ = ["ICON", "LOGO", "TONES", "color_of", "stylesheet"]

_FOLDER = Path(__file__).parent
ICON = _FOLDER / "icon.png"
LOGO = _FOLDER / "logo.svg"

# Light enough to fill a node under dark text, strong enough to mark words on white and on black.
_TYPES = {
    "PER": "#f08c5a",
    "ORG": "#5b8def",
    "LOC": "#4cb07d",
    "TIME": "#93a1b0",
    "NUM": "#b3a79a",
    "WORK": "#a67be0",
    "EVENT": "#e5678f",
    "PRODUCT": "#35b3c6",
    "TERM": "#d6a02f",
}
_OTHERS = ("#7c86d9", "#c77bb5", "#6aa84f", "#d07d6b", "#4aa3a2", "#a58b52", "#8f7ae6", "#5f9ed1")

TONES = {"good": "#2f9e6e", "busy": "#3b82c4", "warn": "#c98a12", "bad": "#cf4c4c", "quiet": "#8a9896"}
"""What states look like: done, running, waiting for someone, failed, over."""


def color_of(label: str) -> str:
    """Return the colour of an entity type; types of a person's own get one of eight, always the same."""
    return _TYPES.get(label) or _OTHERS[zlib.crc32(label.encode("utf-8", "replace")) % len(_OTHERS)]


@functools.lru_cache(maxsize=2)
def stylesheet(language: str) -> str:
    """Return the style sheet for pages in `language` as an HTML element."""
    css = (_FOLDER / "style.css").read_text(encoding="utf-8")
    if language == "zh":
        css += (_FOLDER / "zh.css").read_text(encoding="utf-8")
    return f"<style>{css}</style>"
