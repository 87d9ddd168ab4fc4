"""Read the JSON in a model's reply: quickly when it is JSON, patiently when it only resembles it.

What stands between two quotes comes out as it stands (JSON's own escapes apart), never mended. Numbers come out as the
text they are written with, NaN and null as None. Time is linear in the length of the reply.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Salvaged", "read_values"]

MAX_DEPTH: Final = 32

_CLOSING: Final = {"{": "}", "｛": "}", "[": "]", "［": "]", "【": "]", "(": ")"}
_CLOSES: Final = {"}": "}", "｝": "}", "]": "]", "］": "]", "】": "]", ")": ")"}
_QUOTES: Final = {
    '"': '"',
    "'": "'",
    "＂": "＂",
    "＇": "＇",
    "“": '”“"',
    "”": '”“"',
    "‘": "’‘'",
    "’": "’‘'",
    "「": "」",
    "『": "』",
}
_IN_STRING: Final = {opening: re.compile(f"[\\\\{closing}]") for opening, closing in _QUOTES.items()}

_START: Final = re.compile(r"[{\[｛［【]")
_FENCE: Final = "```"
# What may lie between two values: separators, and comments to the end of the line.
_BETWEEN: Final = re.compile(r"[\s,，;；、\ufeff]*(?://[^\n]*[\s,，;；、\ufeff]*)*")
# A quote inside a string closes it only where the syntax can go on; otherwise it is part of the name.
_AFTER_STRING: Final = re.compile(r"\s*(?:[,，;；、:：\]}］｝】)\"'“‘＂＇「『]|//|=>|```|$)")
_PLAIN: Final = r"[^\s,，;；、:：{}\[\]｛｝［］【】\"“”]+"
_BARE: Final = re.compile(rf"{_PLAIN}(?:(?:[ \t]+|(?<=\d):(?=\d)){_PLAIN})*")
_BARE_IN_PARENTHESES: Final = re.compile(r"[^\s,，;；、:：{}\[\]｛｝［］【】\"“”)]+")
_COLON: Final = re.compile(r"[:：]|=>")
_UNBRACED: Final = re.compile(r"[\"'“][^\"'“”{}\[\]:：]{1,60}[\"'”]\s*[:：]")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_THOUGHTS_END: Final = "</think>"
_WORDS: Final[dict[str, object]] = {
    **dict.fromkeys(("null", "none", "nil", "nan", "undefined", "n/a")),
    "true": True,
    "false": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """The values of a reply in order. `complete` is False when the reply ends inside one."""

    values: tuple[object, ...]
    complete: bool


def read_values(reply: str) -> Salvaged:
    """Return every JSON value of `reply`; whatever stands around and between them is passed over."""
    text = reply.strip()
    if text[:1] in ("{", "["):
        try:
            return Salvaged(values=(_DECODER.decode(text),), complete=True)
        except (ValueError, RecursionError):
            pass
    _, _, answer = text.rpartition(_THOUGHTS_END)
    return _salvage(answer)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object; what stands under one key twice is put together."""
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    gathered: dict[str, list[object]] = {}
    for key, value in pairs:
        gathered.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else _flat(values) for key, values in gathered.items()}


def _flat(values: Iterable[object]) -> list[object]:
    flat: list[object] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return flat


def _nothing(_: str) -> None:
    return None


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=_nothing)


@dataclass(slots=True)
class _Frame:
    """A list or object that is being read: its values, its pairs, and the key that waits for a value."""

    opening: str
    items: list[object] = field(default_factory=list)
    pairs: list[tuple[str, object]] = field(default_factory=list)
    key: str | None = None

    def is_object(self) -> bool:
        return _CLOSING[self.opening] == "}"

    def add(self, value: object) -> None:
        if self.key is None:
            self.items.append(value)
        else:
            self.pairs.append((self.key, value))
            self.key = None

    def turn_last_into_key(self) -> None:
        if self.key is None and self.items and isinstance(self.items[-1], str):
            self.key = str(self.items.pop())

    def value(self) -> object:
        if self.is_object() and (self.pairs or not self.items):
            return _object(self.pairs)
        return [*self.items, _object(self.pairs)] if self.pairs else self.items


def _salvage(text: str) -> Salvaged:
    n_may_be_open = 0
    if _UNBRACED.match(text):
        text = "{" + text
        n_may_be_open = 1
    values: list[object] = []
    complete = True
    start = _START.search(text)
    while start is not None:
        value, end, n_open = _read_container(text, start.start())
        values.append(value)
        complete = complete and n_open <= n_may_be_open
        start = _START.search(text, end)
    return Salvaged(values=tuple(values), complete=complete)


def _read_container(text: str, start: int) -> tuple[object, int, int]:
    """Read the container that opens at `start`; return it, where reading ended, and how many were left open there."""
    root = _Frame(text[start])
    stack = [root]
    position = start + 1
    n_too_deep = 0
    while stack:
        position = _skipped(text, position)
        if position >= len(text) or text.startswith(_FENCE, position):
            break
        char = text[position]
        if char in _CLOSING:
            if len(stack) < MAX_DEPTH:
                stack.append(_Frame(char))
            else:
                n_too_deep += 1
            position += 1
        elif char in _CLOSES:
            if n_too_deep:
                n_too_deep -= 1
            else:
                _close(stack, _CLOSES[char])
            position += 1
        elif colon := _COLON.match(text, position):
            _take_key(stack)
            position = colon.end()
        else:
            value, position, is_whole = _read_scalar(text, position, stack[-1])
            if is_whole:
                stack[-1].add(value)
    n_open = len(stack)
    while len(stack) > 1:
        _pop(stack)
    return root.value(), position, n_open


def _skipped(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _close(stack: list[_Frame], closing: str) -> None:
    """Close the innermost container of this kind with all that is open inside it; without one, pass over the sign."""
    depth = next((i for i in reversed(range(len(stack))) if _CLOSING[stack[i].opening] == closing), len(stack))
    while len(stack) > depth:
        _pop(stack)


def _pop(stack: list[_Frame]) -> None:
    frame = stack.pop()
    if stack:
        stack[-1].add(frame.value())


def _take_key(stack: list[_Frame]) -> None:
    """Take the last value as a key; in a list that is itself a value, the list was not closed before it."""
    frame = stack[-1]
    if not frame.is_object() and len(stack) > 1 and stack[-2].key is not None:
        frame.turn_last_into_key()
        key, frame.key = frame.key, None
        if key is not None:
            _pop(stack)
            stack[-1].key = key
        return
    frame.turn_last_into_key()


def _read_scalar(text: str, position: int, frame: _Frame) -> tuple[object, int, bool]:
    """Read a string or a bare word; what the end of the text cuts is not whole."""
    if text[position] in _QUOTES:
        return _read_string(text, position)
    match = (_BARE_IN_PARENTHESES if frame.opening == "(" else _BARE).match(text, position)
    if match is None:
        return None, position + 1, False
    word = match[0]
    return _WORDS.get(word.lower(), word), match.end(), match.end() < len(text)


def _read_string(text: str, position: int) -> tuple[object, int, bool]:
    next_sign = _IN_STRING[text[position]]
    start = position + 1
    match = next_sign.search(text, start)
    while match is not None:
        end = match.start()
        if text[end] == "\\":
            match = next_sign.search(text, end + 2)
        elif _AFTER_STRING.match(text, end + 1):
            return _unescaped(text[start:end]), end + 1, True
        else:
            match = next_sign.search(text, end + 1)
    return None, len(text), False


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(_escaped_char, raw)
    if _SURROGATE.search(text):
        # Two escapes may be the halves of one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def _escaped_char(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[0])
