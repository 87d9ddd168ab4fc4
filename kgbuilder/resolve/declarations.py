"""Other names that a text itself declares: 世界卫生组织（WHO）, 以下简称“华为”, "Acme Corp (the "Company")".

An abbreviation means one thing in one document and another elsewhere, so a declaration holds for its document: there,
mentions of the short form belong to the node of the long form. What bare abbreviations of other documents mean is
decided from all declarations together (`clustering.join_abbreviations`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kgbuilder.normalize import bracketed, name_key
from kgbuilder.normalize.abbreviations import is_abbreviation, is_other_script
from kgbuilder.normalize.families import family
from kgbuilder.normalize.lexicon import words_of
from kgbuilder.records import Mention
from kgbuilder.resolve.nodes import node_id

__all__ = ["Alias", "declarations", "declared_aliases", "in_document"]

DECLARED_SCORE = 0.99
BRACKET_SCORE = 0.98
MAX_GAP_CHARS = 48
MAX_NEAR = 6
"""How many mentions behind a name may be its short form: a text with a thousand nested mentions stays cheap."""

_QUOTE = "[\"'“”‘’「」『』]?"
_OPEN = r"[》”\"'’」』]?\s?[(（\[【〔]"
# No former names: Alphabet (formerly Google) does not make them one.
_SAYS = "|".join(
    words_of(
        "以下简称为 以下简称 下文简称 下称 以下称 简称为 简称 缩写为 缩写 英文缩写 英文简称 英文名称 英文名 中文名称 "
        "中文名 外文名 又名 又称 亦称 也称 别称 别名 俗称 全称 "
        "hereinafter_referred_to_as hereafter_referred_to_as hereinafter hereafter abbreviated_as abbreviated_to "
        "abbreviated abbreviation short_for also_known_as better_known_as known_as a\\.k\\.a\\. aka in_short "
        "or_simply shortened_to"
    )
).replace("_", " ")
_HOW_OFTEN = r"(?:(?:often|usually|commonly|sometimes)\s+|通常|常)?"
# Behind a bracket nearly any wording declares; without one 又称 and 也称 are what people say (张三也称李四…).
_IN_BRACKET = re.compile(
    rf"{_OPEN}\s*(?:[^()（）]*?[,，;；、:：]\s*)?{_HOW_OFTEN}(?:{_SAYS})\s*[:：]?\s*(?:the\s+)?{_QUOTE}", re.IGNORECASE
)
_NEXT_SHORT = re.compile(
    rf"{_OPEN}[^()（）]*?(?:{_SAYS})[^()（）]*?(?:、|或|及|/|\bor\b)\s*(?:the\s+)?{_QUOTE}", re.IGNORECASE
)
_QUOTED = re.compile(rf"{_OPEN}\s*(?:the\s+)?[\"“「]", re.IGNORECASE)
_BARE = re.compile(rf"{_OPEN}\s*")
_INLINE = re.compile(
    r"(?:(?:[，,]\s*)?(?:以下简称为?|下称|简称为?|又名|别名)|"
    r",?\s+(?:also known as|better known as|a\.k\.a\.|abbreviated as|hereinafter))"
    rf"\s*[:：]?\s*(?:the\s+)?{_QUOTE}",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\s*[,，;；/]\s*")
_BEGINS = re.compile(rf"{_OPEN}|{_BESIDE.pattern}|{_INLINE.pattern}", re.IGNORECASE)
_CLOSED = re.compile(r"[\"'”’」』]?\s*[)）\]】〕]")
_WITH_ACRONYM = re.compile(r"\s*[,，;；/]\s*[A-Z][A-Z0-9.]{1,9}\s*[)）]")
_GOES_ON = re.compile(r"[\"'”’」』]?\s*(?:[)）\]】〕,，、;；/]|或|及|or\b|and\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """What a text declares: `short` stands for the mention `long`; `mention` is that of the short form, if any."""

    short: str
    long: Mention
    mention: Mention | None
    score: float
    reason: str


def declared_aliases(text: str, mentions: Iterable[Mention]) -> tuple[Alias, ...]:
    """Return the short forms that a document declares for its mentions, in text order; both have the same label.

    `mentions` have offsets in `text`. A mention such as "World Health Organization (WHO)" declares by itself.
    """
    ordered = sorted(mentions, key=lambda m: (m.start, m.end, m.label, m.id))
    found: list[Alias] = []
    for n, mention in enumerate(ordered):
        inside = bracketed(mention.text)
        if inside and not _is_value(mention.label):
            found.append(Alias(short=inside[1], long=mention, mention=None, score=BRACKET_SCORE, reason="brackets"))
        if _BEGINS.match(text, mention.end):
            near = ordered[n + 1 : n + 1 + MAX_NEAR]
            found += (alias for other in near if (alias := _declared(text, mention, other)))
    return tuple(found)


def declarations(text: str, placed: Sequence[tuple[Mention, str]]) -> tuple[tuple[str, str], ...]:
    """Return what a document declares as (node of the short form, node of the long form), in text order.

    `placed` gives each mention its node id. The node of a short form that is no mention by itself is that of its name.
    """
    node_of = {mention.id: node for mention, node in placed}
    pairs: dict[tuple[str, str], None] = {}
    for alias in declared_aliases(text, (mention for mention, _ in placed)):
        label = alias.long.label
        bare = node_id(label, name_key(alias.short, label))
        short = node_of[alias.mention.id] if alias.mention else bare
        long = node_of[alias.long.id]
        # A short form that a person has split off has a node of its own, which no text explains.
        if short == bare and short != long:
            pairs[short, long] = None
    return tuple(pairs)


def in_document(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Map each short node to the node that its mentions belong to in the document that declares `pairs`.

    A short form of a short form belongs to the longest; one that is declared for several long forms stays itself.
    """
    means: dict[str, set[str]] = {}
    for short, long in pairs:
        means.setdefault(short, set()).add(long)
    clear = {short: next(iter(longs)) for short, longs in means.items() if len(longs) == 1}
    assigned = {}
    for short in clear:
        end, seen = short, {short}
        while end in clear and clear[end] not in seen:
            end = clear[end]
            seen.add(end)
        # In a ring (A for B, B for A) nothing is the long form but the smallest, so that all agree.
        end = min(seen) if end in clear else end
        if end != short:
            assigned[short] = end
    return assigned


def _declared(text: str, first: Mention, second: Mention) -> Alias | None:
    """Read what stands between two mentions, and behind the second."""
    gap = text[first.end : second.start] if first.end <= second.start <= first.end + MAX_GAP_CHARS else ""
    if not gap or first.label != second.label or first.text == second.text or _is_value(first.label):
        return None
    closed = _CLOSED.match(text, second.end)
    if _BARE.fullmatch(gap):
        return _in_bare_bracket(first, second) if closed or _WITH_ACRONYM.match(text, second.end) else None
    # （World Health Organization，WHO）
    if closed and _BESIDE.fullmatch(gap):
        return _in_bare_bracket(first, second) if is_abbreviation(second.text, first.text) else None
    in_bracket = _IN_BRACKET.fullmatch(gap) or _NEXT_SHORT.fullmatch(gap)
    if (in_bracket and _GOES_ON.match(text, second.end)) or (closed and _QUOTED.fullmatch(gap)):
        return _ordered(first, second, is_full="全称" in gap or "short for" in gap.casefold())
    return _ordered(first, second, is_full=False) if _INLINE.fullmatch(gap) else None


def _is_value(label: str) -> bool:
    return family(label) in ("time", "number")


def _ordered(first: Mention, second: Mention, *, is_full: bool) -> Alias:
    long, short = (second, first) if is_full else (first, second)
    return Alias(short=short.text, long=long, mention=short, score=DECLARED_SCORE, reason="declared")


def _in_bare_bracket(first: Mention, second: Mention) -> Alias | None:
    if is_abbreviation(second.text, first.text) or is_other_script(second.text, first.text):
        long, short = first, second
    elif is_abbreviation(first.text, second.text):
        long, short = second, first
    else:
        return None
    return Alias(short=short.text, long=long, mention=short, score=BRACKET_SCORE, reason="brackets")
