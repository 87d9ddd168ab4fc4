"""Match the relation rules on the clauses of a text, and keep what is not denied, planned or against the ontology."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kgbuilder.extract.lexicon.clauses import Clause, Line
from kgbuilder.extract.lexicon.patterns import Gift, Rule, Rules
from kgbuilder.extract.lexicon.span import Span, span

__all__ = ["Fact", "find_facts"]

_PAIRWISE = re.compile(r"分别|依次|respectively")
_BREAKS = "，；。,;\n"
_CARRIED = 0.9
_MAX_RUN = 12


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation between two spans of a text."""

    head: Span
    relation: str
    tail: Span
    score: float


def find_facts(clauses: Iterable[Clause], rules: Rules) -> Iterator[Fact]:
    """Yield what the rules find, in the order of the text; the same triple may come several times."""
    for clause in clauses:
        text = clause.line.text
        candidates = rules.candidates(text, anchored=clause.anchored, labels=clause.labels)
        if clause.anchored:
            matches = [(rule, match) for rule in candidates if (match := rule.regex.match(text))]
        else:
            matches = [(rule, match) for rule in candidates for match in rule.regex.finditer(text)]
        if matches:
            yield from _read(matches, clause, rules)


def _read(matches: list[tuple[Rule, re.Match[str]]], clause: Clause, rules: Rules) -> Iterator[Fact]:
    text = clause.line.text
    for rule, match in matches:
        scope = text if rule.anchored else _scope(text, *match.span())
        if rules.deny.search(scope) or rules.plan.search(scope):
            continue
        score = rule.score * _CARRIED if clause.carried else rule.score
        for gift in rule.gifts:
            yield from _give(gift, match, clause.line, score, scope)


def _scope(text: str, start: int, end: int) -> str:
    """Return the clauses that a match lies in."""
    while start > 0 and text[start - 1] not in _BREAKS:
        start -= 1
    while end < len(text) and text[end] not in _BREAKS:
        end += 1
    return text[start:end]


def _give(gift: Gift, match: re.Match[str], line: Line, score: float, scope: str) -> Iterator[Fact]:
    heads = _owners(gift.head, match, line, None)
    tails = _owners(gift.tail, match, line, heads)
    if gift.head == gift.tail:
        pairs = [(heads[i], heads[j]) for i in range(len(heads)) for j in range(i + 1, len(heads))]
    elif len(heads) > 1 and len(tails) > 1 and _PAIRWISE.search(scope):
        pairs = list(zip(heads, tails, strict=False)) if len(heads) == len(tails) else []
    else:
        pairs = [(head, tail) for head in heads for tail in tails]
    for head, tail in pairs:
        yield Fact(head, gift.relation, tail, score)


def _owners(slot: str, match: re.Match[str], line: Line, heads: list[Span] | None) -> list[Span]:
    start, end = match.span(slot)
    if start < 0 or end - start > 200:
        return []
    owners = [owner for owner in line.owners[start:end] if owner is not None]
    if owners or start == end:
        return owners[:_MAX_RUN]
    # Plain characters: an unknown term, or another name of the head.
    first, last = line.at[start], line.at[end - 1] + 1
    if last - first != end - start:
        return []
    kind = heads[0].kind if heads else "TERM"
    return [span(first, last, kind if slot == "x" and _is_name_slot(match, slot) else "TERM", 0.7)]


def _is_name_slot(match: re.Match[str], slot: str) -> bool:
    return "{2,16}" in match.re.pattern[match.re.pattern.find(f"(?P<{slot}>") :][:80]
