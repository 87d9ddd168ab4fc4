"""Which nodes are worth comparing: those that share a block key."""

from collections.abc import Iterator

from kgbuilder.normalize.abbreviations import initials
from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.lexicon import GENERIC_WORDS, PLACES, generic_han, without_place
from kgbuilder.normalize.pinyin import syllables
from kgbuilder.resolve.comparison import MAX_COMPARED_CHARS, form, pinyin_orders
from kgbuilder.resolve.nodes import Node

__all__ = ["block_keys"]


def block_keys(node: Node) -> tuple[str, ...]:
    """Return at most six keys, each beginning with the label; two nodes that share none are never compared.

    The first brings certain spellings together, the others what may be suggested to a person: words mistyped, sounds,
    initials, short forms. Dates, quantities and texts too long for a name have none.
    """
    kind = family(node.label)
    if kind in ("time", "number") or not 0 < len(node.key) <= MAX_COMPARED_CHARS:
        return ()
    ready = form(node.key, kind)
    likely = _han_keys(node.key, kind) if ready.is_han else _latin_keys(ready.words, kind)
    return tuple(dict.fromkeys(f"{node.label}|{key}" for key in (f"={ready.merged}", *likely)))


def _latin_keys(words: tuple[str, ...], kind: Family) -> Iterator[str]:
    letters = "".join(words)
    if kind == "person" and len(words) >= 2:
        # Each half is spelled out once, so that either may be mistyped or an initial.
        yield f"l{words[-1]}|{words[0][:1]}"
        yield f"f{words[0]}|{words[-1][:2]}"
        yield from (f"p{order}" for order in pinyin_orders(words))
    elif kind == "organization":
        yield f"w{' '.join(_first_telling(words))}"
        names = (letters,) if len(words) == 1 and len(letters) <= 6 else sorted(initials(" ".join(words)))
        yield from (f"i{name}" for name in names if len(name) >= 3)
    elif len(letters) >= 8:
        yield f"b{letters[:6]}|{len(words)}"
    if len(letters) >= 5:
        yield f"e{letters[:3]}|{letters[-3:]}"


def _first_telling(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words up to the first that few organisations share, so that "national" alone is no block."""
    for n, word in enumerate(words[:4], start=1):
        if word not in GENERIC_WORDS and word not in PLACES:
            return words[:n]
    return words


def _han_keys(key: str, kind: Family) -> Iterator[str]:
    sound = "".join(syllables(key, is_person=kind == "person"))
    yield f"p{sound}"
    if kind == "person":
        yield f"s{key[-2:] if len(key) <= 3 else key[-3:]}"
        if len(key) >= 5:
            yield f"b{key[:3]}"
    elif kind == "organization":
        core = without_place(key)
        yield f"c{key[:4]}|{key[-2:]}" if len(core) < 2 or generic_han(core[:2]) else f"c{core[:2]}"
    elif len(key) >= 4:
        yield f"e{key[:2]}|{key[-2:]}"
