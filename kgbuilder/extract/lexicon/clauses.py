"""Sentences as clauses with their subjects: who a clause is about when it does not say so itself.

A text becomes a line of characters in which each mention is one sign; enumerations become runs of signs. A clause is
given with its own subject in front, or with the subject carried over from the clause or sentence before.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kgbuilder.extract.lexicon.patterns import ANY_SIGN, LABELS, class_of, mask_of, sign
from kgbuilder.extract.lexicon.span import Span

__all__ = ["Clause", "Grammar", "Line", "read_clauses"]


@dataclass(frozen=True, slots=True)
class Line:
    """Characters with the mention each sign stands for, and the place of each character in the text."""

    text: str
    owners: tuple[Span | None, ...]
    at: tuple[int, ...]

    def cut(self, start: int, end: int | None = None) -> "Line":
        return Line(self.text[start:end], self.owners[start:end], self.at[start:end])

    def __add__(self, other: "Line") -> "Line":
        return Line(self.text + other.text, self.owners + other.owners, self.at + other.at)


@dataclass(frozen=True, slots=True)
class Clause:
    """A line to match. `anchored` lines begin with a subject; `carried` when it comes from another sentence."""

    line: Line
    anchored: bool
    carried: bool
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a language builds sentences, as regular expressions over lines.

    `pronouns` names the label a word at the start of a clause stands for, group "own" when it is possessive.
    `apposition` opens a clause about the mention right before it; behind a break of group "hard" a clause has a subject
    of its own; `credit` is a clause that names who made the work spoken of; `continues` is how a clause without subject
    begins; `bare_subjects` where a mention alone between commas becomes the subject, as it does in Chinese only at the
    start of a sentence.
    """

    sentence_end: re.Pattern[str]
    clause_break: re.Pattern[str]
    aside: re.Pattern[str]
    enumeration: Mapping[str, re.Pattern[str]]
    time_lead: re.Pattern[str]
    subject: re.Pattern[str]
    pronouns: Sequence[tuple[re.Pattern[str], str]]
    connective: re.Pattern[str]
    relative: re.Pattern[str] | None = None
    apposition: re.Pattern[str] | None = None
    continues: re.Pattern[str] | None = None
    credit: re.Pattern[str] | None = None
    role_comma: re.Pattern[str] | None = None
    kin: re.Pattern[str] | None = None
    kin_glue: re.Pattern[str] | None = None
    bare_subjects: bool = False
    space: str = ""


@dataclass(slots=True)
class _Memory:
    """The subjects spoken of so far; `people` are the names of persons that were subjects in this paragraph."""

    source: str
    current: Line | None = None
    main: Line | None = None
    before: Line | None = None
    people: set[str] = field(default_factory=set)
    last: dict[str, Line] = field(default_factory=dict)

    def remember(self, subject: Line, *, aside: bool = False) -> None:
        """Make `subject` the current one; `aside` when it is somebody's father, wife or teacher."""
        self.current = subject
        if not aside:
            self.main = subject
        owner = subject.owners[0]
        if owner is not None:
            self.last[owner.label] = subject
        self.people.update(self.source[o.start : o.end] for o in subject.owners if o is not None and o.label == "PER")


_THINGS = frozenset({"PER", "ORG", "WORK", "PRODUCT", "EVENT"})
_ROLES = class_of("leader|office|occupation")
_SUBJECTS = frozenset(class_of("PER|ORG|LOC|WORK|EVENT|PRODUCT|disease|symptom|test|field"))
_ROLE = frozenset(_ROLES)
_NAMED_ROLE = re.compile(f"[{_ROLES}],? [{class_of('PER')}]")
_ELSEWHERE = re.compile("[^，]{0,2}(?:后者|前者|对方|双方|两者|二者|三者|另一|其余)|the (?:former|latter|other)|others")
# 江苏人 says where someone is from, and is about nobody.
_ORIGIN = ("人", "籍")
_SIGN_RUN = re.compile(f"[{ANY_SIGN}]+")


def read_clauses(text: str, spans: Sequence[Span], grammar: Grammar) -> Iterator[Clause]:
    """Yield the sentences of `text` whole, and each of their clauses behind its subject."""
    line = _enumerated(_signed(text, spans), grammar)
    memory = _Memory(text)
    start = 0
    for end in [match.end() for match in grammar.sentence_end.finditer(line.text)] + [len(line.text)]:
        sentence = line.cut(start, end)
        start = end
        if _SIGN_RUN.search(sentence.text):
            yield _clause(sentence, anchored=False)
            yield from _anchored(sentence, grammar, memory)
        memory.before = None
        if sentence.text.endswith("\n"):
            memory.people.clear()
        # A text that has spoken of one person only goes on about that person: 1938年与陆观澜结婚。
        memory.current = memory.last.get("PER") if grammar.continues and len(memory.people) == 1 else None


def _signed(text: str, spans: Sequence[Span]) -> Line:
    chars: list[str] = []
    owners: list[Span | None] = []
    at: list[int] = []
    last = 0
    for found in spans:
        start, end = found.outer
        plain = text[last:start]
        chars.append(plain)
        owners.extend([None] * len(plain))
        at.extend(range(last, start))
        chars.append(sign(found.kind))
        owners.append(found)
        at.append(found.start)
        last = end
    rest = text[last:]
    chars.append(rest)
    owners.extend([None] * len(rest))
    at.extend(range(last, len(text)))
    return Line("".join(chars), tuple(owners), tuple(at))


def _enumerated(line: Line, grammar: Grammar) -> Line:
    """Drop what stands between the members of an enumeration, so that it is a run of signs."""
    dropped: set[int] = set()
    for expression in grammar.enumeration.values():
        for match in expression.finditer(line.text):
            dropped.update(at for at in range(*match.span()) if line.owners[at] is None)
    return _without(line, dropped) if dropped else line


def _without(line: Line, dropped: set[int]) -> Line:
    kept = [at for at in range(len(line.text)) if at not in dropped]
    return Line(
        "".join([line.text[at] for at in kept]),
        tuple([line.owners[at] for at in kept]),
        tuple([line.at[at] for at in kept]),
    )


def _clause(line: Line, *, anchored: bool, carried: bool = False) -> Clause:
    labels = 0
    for label in {owner.label for owner in line.owners if owner is not None}:
        labels |= mask_of(label) if label in LABELS else 0
    return Clause(line, anchored, carried, labels)


def _anchored(sentence: Line, grammar: Grammar, memory: _Memory) -> Iterator[Clause]:
    main, asides = _without_asides(sentence, grammar)
    for subject, aside in asides:
        for part, _ in _parts(aside, grammar):
            yield _clause(subject + part, anchored=True)
    for index, (part, hard) in enumerate(_parts(_without_idle_commas(main, grammar), grammar)):
        if hard:
            memory.current = None
        yield from _with_subject(part, grammar, memory, opens=index == 0)
        memory.before = part


def _without_asides(sentence: Line, grammar: Grammar) -> tuple[Line, list[tuple[Line, Line]]]:
    """Take the bracketed parts out; each is about the mention right before it."""
    asides: list[tuple[Line, Line]] = []
    dropped: set[int] = set()
    for match in grammar.aside.finditer(sentence.text):
        before = match.start()
        while before > 0 and sentence.text[before - 1] == " ":
            before -= 1
        dropped.update(range(before, match.end()))
        if before > 0 and sentence.owners[before - 1] is not None:
            asides.append((sentence.cut(before - 1, before), sentence.cut(match.start(1), match.end(1))))
    return (_without(sentence, dropped) if dropped else sentence), asides


def _without_idle_commas(sentence: Line, grammar: Grammar) -> Line:
    """Drop the commas that part no clauses: behind a date, and between a role and its name (his father, John)."""
    dropped = {match.end() - 1 for match in grammar.time_lead.finditer(sentence.text)}
    if grammar.role_comma is not None:
        dropped.update(match.end() - 1 for match in grammar.role_comma.finditer(sentence.text))
    return _without(sentence, dropped) if dropped else sentence


def _parts(line: Line, grammar: Grammar) -> Iterator[tuple[Line, bool]]:
    """Yield the clauses, each with whether a hard break stands before it."""
    start, hard = 0, False
    for match in grammar.clause_break.finditer(line.text):
        if match.start() > start:
            yield line.cut(start, match.start()), hard
        start, hard = match.end(), match["hard"] is not None
    if start < len(line.text):
        yield line.cut(start), hard


def _with_subject(part: Line, grammar: Grammar, memory: _Memory, *, opens: bool) -> Iterator[Clause]:
    for expression, label in grammar.pronouns:
        match = expression.match(part.text)
        if match is not None:
            subject = memory.main if match["own"] and _is_person(memory.main) else memory.last.get(label)
            if subject is not None:
                memory.remember(subject)
                yield _behind(subject, part.cut(*match.span("lead")) + part.cut(match.end()), grammar, True)
                if match["own"] and part.owners[-1] is not None:
                    # His father John, …: what follows is about John.
                    memory.remember(part.cut(len(part.text) - 1), aside=True)
            return
    if grammar.relative is not None and (match := grammar.relative.match(part.text)):
        antecedent = _last_mention(memory.before, "PER" if match["who"] else "")
        if antecedent is not None:
            yield _behind(antecedent, part.cut(match.end()), grammar, False)
        return
    if _is_apposition(part, grammar) and memory.before is not None:
        antecedent = _last_mention(memory.before, "") if memory.before.owners[-1] is not None else memory.current
        if antecedent is not None:
            yield _behind(antecedent, part, grammar, False)
        return
    if grammar.credit is not None and memory.current is not None and grammar.credit.match(part.text):
        owner = memory.current.owners[0]
        if owner is not None and owner.label == "WORK":
            yield _behind(memory.current, part, grammar, False)
            return
    is_kin = grammar.kin is not None and grammar.kin.match(part.text) is not None
    if is_kin and _is_person(memory.main):
        memory.current = memory.main
    if _ELSEWHERE.match(part.text):
        memory.current = None
    if memory.current is not None and (grammar.continues is None or grammar.continues.match(part.text)):
        rest = part.cut(match.end()) if (match := grammar.connective.match(part.text)) else part
        yield _behind(memory.current, rest, grammar, False)
    own = _own_subject(part, grammar, opens=opens)
    if own is not None:
        subject, rest = own
        of_kin = (
            grammar.kin_glue is not None
            and _is_person(subject)
            and grammar.kin_glue.search(part.text[: -len(rest.text)])
        )
        if of_kin and not is_kin:
            first = _SIGN_RUN.search(part.text)
            memory.main = part.cut(*first.span()) if first else memory.main
        memory.remember(subject, aside=bool(of_kin or is_kin))
        yield _behind(subject, rest, grammar, False)


def _behind(subject: Line, rest: Line, grammar: Grammar, carried: bool) -> Clause:
    gap = Line(grammar.space, (None,) * len(grammar.space), (subject.at[-1],) * len(grammar.space))
    return _clause(
        subject + gap + rest if not rest.text.startswith(" ") else subject + rest, anchored=True, carried=carried
    )


def _own_subject(part: Line, grammar: Grammar, *, opens: bool) -> tuple[Line, Line] | None:
    """Return the last run of mentions of the noun phrase that opens the clause, and what follows with its time.

    A mention alone is a subject only where it opens the sentence: 雷军，湖北人，……
    """
    match = grammar.subject.match(part.text)
    if match is None:
        return None
    alone = not match["rest"].strip(" .")
    if alone and not (opens or grammar.bare_subjects):
        return None
    runs = [
        (found.start() + match.start("chain"), found.end() + match.start("chain"))
        for found in _SIGN_RUN.finditer(match["chain"])
    ]
    for start, run_end in reversed(runs):
        end = run_end
        while end > start and part.text[end - 1] in _ROLE:
            end -= 1
        first = end
        while first > start and part.text[first - 1] in _SUBJECTS and _label(part, first - 1) == _label(part, end - 1):
            first -= 1
        if first < end and not (_label(part, first) == "LOC" and (alone or match["rest"].startswith(_ORIGIN))):
            return part.cut(first, end), part.cut(*match.span("time")) + part.cut(match.start("rest"))
    return None


def _is_person(subject: Line | None) -> bool:
    return subject is not None and subject.owners[0] is not None and subject.owners[0].label == "PER"


def _is_apposition(part: Line, grammar: Grammar) -> bool:
    """Say whether a clause is about the mention before it: a painter; but not: the painter Ann."""
    opens = grammar.apposition is not None and grammar.apposition.match(part.text) is not None
    return opens and not _NAMED_ROLE.search(part.text)


def _last_mention(before: Line | None, label: str) -> Line | None:
    """Return the last mention of a line, of `label` if one is given; places and dates count only when they end it."""
    if before is None:
        return None
    for at in range(len(before.text) - 1, -1, -1):
        owner = before.owners[at]
        if owner is not None and (
            owner.label == label or (not label and (owner.label in _THINGS or at == len(before.text) - 1))
        ):
            return before.cut(at, at + 1)
    return None


def _label(part: Line, at: int) -> str:
    owner = part.owners[at]
    return owner.label if owner is not None else ""
