"""Lay out a judged text for reading: the text, what is annotated, what was predicted, and each error."""

import unicodedata
from collections.abc import Iterable, Iterator

from kgbuilder.score.annotated import AnnotatedEntity, AnnotatedTriple
from kgbuilder.score.compare import INVENTED, MISSED, Comparison, Mistake
from kgbuilder.score.report import JudgedText

__all__ = ["item_text", "judged_lines", "visible"]

_MAX_CHARS = 2_000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def judged_lines(number: int, text: JudgedText) -> Iterator[str]:
    """Yield the lines of a text with a number before it; what is very long is cut."""
    errors = "1 error" if text.n_errors == 1 else f"{text.n_errors} errors"
    yield visible(f"{number}. {text.id} ({text.language}, {text.source}): {errors}")
    yield f"   {_cut(visible(text.text))}"
    if text.failure:
        yield f"   no usable extraction: {_cut(visible(text.failure))}"
    for name, parts in (
        ("gold", (_items(text.entities.gold), _items(text.triples.gold))),
        ("predicted", (_items(text.entities.predicted), _items(text.triples.predicted))),
    ):
        yield f"   {name:<20}{_cut(' | '.join(part for part in parts if part) or 'nothing')}"
    for part in (text.entities, text.triples):
        yield from (f"   {line}" for line in _error_lines(part))


def item_text(item: AnnotatedEntity | AnnotatedTriple) -> str:
    """Return an entity as its name and type, a triple as head, relation and tail."""
    if isinstance(item, AnnotatedEntity):
        return visible(f"{item.text} {item.type}")
    return visible(f"{item.head} {item.relation} {item.tail}")


def visible(text: str) -> str:
    """Return `text` on one line, with what a terminal would act upon (escapes, line ends) written as codes."""
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if unicodedata.category(char) not in _UNSEEN:
        return char
    return " " if char in "\t\n\r" else f"\\u{ord(char):04x}"


def _items(items: Iterable[AnnotatedEntity | AnnotatedTriple]) -> str:
    return ", ".join(item_text(item) for item in items)


def _error_lines(part: Comparison[AnnotatedEntity] | Comparison[AnnotatedTriple]) -> Iterator[str]:
    """Yield a line for each pair, then all that is missed, then all that is invented."""
    mistakes: tuple[Mistake[AnnotatedEntity] | Mistake[AnnotatedTriple], ...] = part.mistakes
    for mistake in mistakes:
        if mistake.gold and mistake.predicted:
            said = f"{item_text(mistake.gold)} predicted as {item_text(mistake.predicted)}"
            yield f"{mistake.kind.replace('_', ' '):<20}{said}"
    for kind in (MISSED, INVENTED):
        alone = _items(item for m in mistakes if m.kind == kind and (item := m.gold or m.predicted))
        if alone:
            yield f"{kind:<20}{_cut(alone)}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…"
