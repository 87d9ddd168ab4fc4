"""Find names in English text: capitalised sequences, told apart by lists, by their words and by their neighbours."""

import re
from collections.abc import Iterator

from kgbuilder.extract.lexicon.forms import Forms
from kgbuilder.extract.lexicon.gazetteer import Gazetteer, Hit
from kgbuilder.extract.lexicon.span import Room, Span, span
from kgbuilder.extract.lexicon.values import find_numbers_en, find_times_en

__all__ = ["EnglishNames"]

_CAP = r"(?:[A-Z]\.(?:[A-Z]\.)*|(?:O['’]|d['’]|D['’]|L['’]|Mc|Mac)?[A-ZÀ-ÖØ-ÞĀ-Ž][\w]*(?:[-’'&.](?!s\b)[\w]+)*)"
_PARTICLE = (
    "(?:van der|van den|van de|von der|de la|de los|de las|del la|van|von|der|de|del|della|di|da|dos|du|la|le|bin|ibn|"
    "al|el|ten|ter|y|and Sons|& )"
)
_SEQUENCE = re.compile(f"{_CAP}(?:(?: (?:& )?| {_PARTICLE} ){_CAP}){{0,7}}")
_QUOTED = re.compile(r"[“\"]([A-ZÀ-Þ0-9][^“”\"\n]{1,60})[”\"]")
_OF = re.compile(rf" (?:of|for) (?:the )?({_CAP}(?:(?: | and ){_CAP}){{0,4}})")
_TITLE_GOES_ON = re.compile(
    rf"['’]s? {_CAP}|(?: (?:of|and|the|in|for|to|on|a|an|from|at|with)){{1,2}} {_CAP}(?: {_CAP}){{0,4}}"
)
_MAX_TITLE_CHARS = 80
_LEGAL_FORM = re.compile(r"\.?,? ((?:Ltd|Inc|LLC|Limited|LLP|GmbH|Corp)\b)")
_POSSESSIVE = re.compile(rf"['’]s? ({_CAP}(?: {_CAP}){{0,3}})")
_INITIAL = re.compile(r"[A-Z]\.(?:[A-Z]\.)*")
_MODEL = re.compile(r"(?:[A-Z][\w-]* ){0,2}[A-Za-z]*\d[\w-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+[\"“(]?|\n\s*[\"“(]?|[\"“])$")
_ENGLISH_WORD = re.compile(
    r"[a-z](?:ing|tion|sion|ment|ness|ship|ity|ers|ics|ical|ism|ist|ive|able|ible|ful|less|ous|ward|wood|light|stone|fish|house|bridge|ware|works|craft|tech|soft|bank|net|line|way|co|bio|lab|logy)$"
    r"|^(?:Blue|Red|Green|Black|White|Golden|Silver|Iron|Big|Little|Grand|Royal|National|International|Global|Central|American|European|Second|Third|High|Low|Upper|Lower|Old|Saint|St|Air|Sea|Sun|Star|Moon|River|Lake|Hill|Mount|Fort|Port|Home|Family|World|Euro|Pan|Club|Open|Free|Smart|Digital|Data|Cloud|Power|Solar|Green|Salt|Snow|Winter|Summer|Spring|Autumn|Night|Day|Dream|Song|Songs|Dance|Letters|Notes|Tales|Hotel|Café|Pizza|Bread|Coffee|Tea|Wine|Beer|Water|Milk|Sugar|Fruit|Seed|Rock|Sand|Gold|Copper|Steel|Glass|Paper|Wind|Storm|Bay|Street|Road|Court|Cross|Bell|Crown|Royal|Union|Liberal|Labour|Socialist|Democratic|People|Women|Children|Men|Lady|Lord|Sir|King|Queen|Prince|Princess|Duke|Count|Pope|Type|Model|Class|Series|Mark|Phase|Level|Grade|Stage|Group|Team|Unit|Zone|Sector|Line|Flight|Route|Highway|Article|Act|Bill|Rule|Form|Case|Item|Lot|Plan|Project|Program|Operation|Mission|Task|Force)$"
)
_NO_PERSON_BEFORE = re.compile(
    r"\b(?:[Tt]he|[Aa]t|[Ii]n|[Nn]ear|[Ii]nto|[Vv]ia|[Oo]n|[Uu]nder|[Tt]hrough|[Ww]ithin|[Ll]ike|[Aa]n?) $"
)
_PERSON_WORD = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_]*(?:[-’'.][^\W\d_]+)*\.?")
_PERSON_GOES_ON = re.compile(r"[,;:.)]|\s[a-z(–—]|['’]s\b|$|\n|”|\"")
_MAX_BACK = 40
# Evidence reaches from one argument to the other: a full name far away would make it long.
_MAX_FULL_CHARS = 400


class EnglishNames:
    """The recogniser of names in English text."""

    def __init__(self, forms: Forms, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        lists = forms.lists
        self._endings = forms.endings
        self._given = lists["given_names"]
        self._no_names = lists["no_names"]
        self._titles = lists["titles"]
        self._heads = {kind.removeprefix("heads_"): words for kind, words in lists.items() if kind.startswith("heads_")}
        self._before = {
            kind.removeprefix("before_"): _cue(words) for kind, words in lists.items() if kind.startswith("before_")
        }
        self._behind = {
            kind.removeprefix("behind_"): _cue_behind(words)
            for kind, words in lists.items()
            if kind.startswith("behind_")
        }
        ends = (words for kind, words in forms.endings.items())
        self._name_words = frozenset().union(*ends, *self._heads.values())
        self._acronyms = {name.lower() for name, _ in forms.entries if name.isupper()}

    def find(self, text: str) -> list[Span]:
        """Return the names, dates and quantities of `text` in order; none overlaps another."""
        room = Room(len(text))
        hits = [hit for hit in self._gazetteer.find(text) if self._is_spelled(text, hit)]
        for start, end, kind in sorted((hit for hit in hits if hit[2][0] == "!"), key=_longest_first):
            room.take(span(start, end, kind.lstrip("!"), 0.95))
        for found in self._quoted(text):
            room.take(found)
        for found in find_times_en(text):
            room.take(found)
        for found in find_numbers_en(text):
            room.take(found)
        for start, end, kind in hits:
            if kind == "TERM.award":
                room.take(span(start, end, kind, 0.9))
        known = {(start, end): kind for start, end, kind in reversed(hits) if kind[0] not in "!+"}
        self._take_sequences(text, room, known)
        for start, end, kind in sorted(hits, key=_longest_first):
            if kind.startswith(("TERM", "PRODUCT", "LOC", "ORG")):
                room.take(span(start, end, kind, 0.85))
        self._agree(text, room)
        self._take_short_forms(text, room)
        return room.sorted()

    def _agree(self, text: str, room: Room) -> None:
        """Give the same name the same kind throughout: what is a person once is no organisation elsewhere."""
        people = {text[found.start : found.end] for found in room.spans if found.label == "PER"}
        for found in room.spans:
            if (
                found.kind in ("ORG", "LOC.place", "WORK")
                and found.score < 0.8
                and text[found.start : found.end] in people
            ):
                room.release(found)
                room.take(span(found.start, found.end, "PER", found.score))

    def _is_spelled(self, text: str, hit: Hit) -> bool:
        """Say whether a known name stands as it is written: names with capitals, abbreviations in capitals."""
        start, end, kind = hit
        found = text[start:end]
        if kind.startswith("!!"):  # a pattern says itself how it is written
            return True
        if kind.startswith(("LOC", "ORG", "TERM.language", "TERM.religion", "!")):
            return found[0].isupper() and (found.isupper() or found.lower() not in self._acronyms)
        return True

    def _quoted(self, text: str) -> Iterator[Span]:
        for match in _QUOTED.finditer(text):
            name = match[1].rstrip(".,;:!?")
            words = name.split()
            capitals = sum(word[0].isupper() or not word[0].isalpha() for word in words)
            if (
                len(words) <= 8
                and capitals * 2 > len(words)
                and self._context(text, "work", match.start(), match.end())
            ):
                yield Span(
                    start=match.start(1), end=match.start(1) + len(name), kind="WORK", score=0.85, outer=match.span()
                )

    def _take_sequences(self, text: str, room: Room, known: dict[tuple[int, int], str]) -> None:
        at = 0
        while (match := _SEQUENCE.search(text, at)) is not None:
            start, end = self._trimmed(text, *match.span(), known)
            at = max(match.end(), match.start() + 1)
            if start >= end:
                continue
            end = self._with_of(text, start, self._with_form(text, start, end))
            for found in self._named(text, start, end, known):
                room.take(found)
            at = max(at, end)

    def _trimmed(self, text: str, start: int, end: int, known: dict[tuple[int, int], str]) -> tuple[int, int]:
        """Leave off what only begins a sentence, and titles before a name."""
        begun = {first for first, last in known if last - first > 3 and last <= end}
        while start < end and start not in begun:
            word = text[start:end].split(" ", 1)[0]
            bare = word.rstrip(".,'’")
            if bare not in self._titles and bare not in self._no_names:
                break
            start += len(word) + 1
        while (
            end > start
            and text[end - 1] in " .&'’"
            and not _INITIAL.fullmatch(text[start:end].rsplit(maxsplit=1)[-1])
            and text[end - 4 : end] not in ("Inc.", " Co.", "Ltd.", " Jr.", "Bros")
        ):
            end -= 1
        return start, end

    def _with_form(self, text: str, start: int, end: int) -> int:
        """Read on over a legal form behind a comma, and a possessive inside a name: Co., Ltd; People's Hospital."""
        form = _LEGAL_FORM.match(text, end)
        if form is not None and text[start:end].rsplit(" ", 1)[-1].rstrip(".") in self._endings["ORG"]:
            return form.end(1)
        inner = _POSSESSIVE.match(text, end)
        if inner is not None and inner[1].rsplit(" ", 1)[-1] in self._endings["ORG"]:
            return inner.end()
        return end

    def _with_of(self, text: str, start: int, end: int) -> int:
        """Read on over "of" where the words before it ask for it: University of Leeds."""
        last = text[start:end].rsplit(" ", 1)[-1]
        if any(last in words for words in self._heads.values()) and (match := _OF.match(text, end)):
            return match.end()
        return end

    def _named(self, text: str, start: int, end: int, known: dict[tuple[int, int], str]) -> Iterator[Span]:
        kind, score = self._kind(text, start, end, known)
        if kind == "WORK":
            start, end = _whole_title(text, start, end)
        if kind:
            yield span(start, end, kind, score)
            return
        # "Paris Judith Moreau", "German Hans Weber": known names inside a longer sequence.
        for (first, last), part in sorted(known.items()):
            if (
                start <= first
                and last <= end
                and part.startswith(("LOC", "ORG"))
                and (last == end or text[last] == " ")
            ):
                rest_start, rest_end = (last + 1, end) if first == start else (start, first - 1)
                rest, points = self._kind(text, rest_start, rest_end, {})
                if first == start or last == end:
                    if part == "LOC.demonym" or rest == "PER":
                        yield span(first, last, part, 0.8)
                    if rest:
                        yield span(rest_start, rest_end, rest, points)
                return

    def _kind(self, text: str, start: int, end: int, known: dict[tuple[int, int], str]) -> tuple[str, float]:
        name = text[start:end]
        words = name.replace("-", " ").split() if name.count("-") == 1 and " " not in name else name.split()
        if not words or len(name) < 2:
            return "", 0.0
        listed = known.get((start, end), "")
        if listed and not listed.startswith("TERM"):
            return listed, 0.9
        last, first = words[-1].rstrip("."), words[0]
        head = next(
            (
                kind
                for kind, heads in self._heads.items()
                if " of " in name and name.split(" of ")[0].split()[-1] in heads
            ),
            "",
        )
        if head:
            return head, 0.85
        if listed:
            return listed, 0.85
        for kind, endings in self._endings.items():
            if len(words) > 1 and last in endings:
                return kind, 0.85
        if first in self._given and len(words) > 1:
            return "PER", 0.85
        return self._by_context(text, start, end, words)

    def _by_context(self, text: str, start: int, end: int, words: list[str]) -> tuple[str, float]:
        if _MODEL.fullmatch(" ".join(words)) and self._context(text, "product", start, end):
            return "PRODUCT", 0.7
        for kind in ("person", "place", "organisation", "work"):
            if kind == "person" and (len(words) > 4 or any(char.isdigit() for char in "".join(words))):
                continue
            if kind == "place" and len(words) > 3:
                continue
            if self._context(text, kind, start, end) and (
                kind != "person" or len(words) > 1 or self._is_titled(text, start)
            ):
                return _CONTEXT_KINDS[kind], 0.75
        if len(words) in (2, 3) and any(_INITIAL.fullmatch(word) for word in words[:-1]):
            return "PER", 0.75
        if not self._looks_personal(text, start, end, words):
            return "", 0.0
        # Somebody who matters is named again; a guess named once counts only where a relation bears it out.
        return ("PER" if len(words[-1]) > 2 and text.count(words[-1]) > 1 else "PER.guess"), 0.65

    def _looks_personal(self, text: str, start: int, end: int, words: list[str]) -> bool:
        """Say whether two or three words of which none is an English word stand where a person may."""
        if len(words) not in (2, 3) or _NO_PERSON_BEFORE.search(text, max(0, start - 12), start):
            return False
        return _PERSON_GOES_ON.match(text, end) is not None and not any(
            word in self._no_names
            or word in self._name_words
            or _ENGLISH_WORD.search(word)
            or not _PERSON_WORD.fullmatch(word)
            for word in words
        )

    def _is_titled(self, text: str, start: int) -> bool:
        before = text[max(0, start - 12) : start].split()
        return bool(before) and before[-1].rstrip(".") in self._titles

    def _context(self, text: str, kind: str, start: int, end: int) -> bool:
        before, behind = self._before.get(kind), self._behind.get(kind)
        left = text[max(0, start - _MAX_BACK) : start]
        return bool((before and before.search(left)) or (behind and behind.match(text, end)))

    def _has_short_form(self, text: str, found: Span, words: list[str]) -> bool:
        """Say whether an organisation may go by its first word: a company, and not one named after a place."""
        if found.kind != "ORG" or len(words) < 2 or len(words[0]) < 4 or words[0] in self._no_names:
            return False
        is_institution = words[-1] in self._heads["ORG"] or " of " in text[found.start : found.end]
        return not is_institution and not re.search(
            rf"\b(?:in|of|at|near|from|to) (?:the )?{re.escape(words[0])}\b(?! [A-Z])", text
        )

    def _take_short_forms(self, text: str, room: Room) -> None:
        """Take the surname of a person and the first words of an organisation wherever they stand again."""
        shorts: dict[str, str] = {}
        fulls: dict[str, list[Span]] = {}
        for found in room.sorted():
            words = text[found.start : found.end].split()
            if found.label == "PER" and len(words) > 1 and len(words[-1]) > 2:
                short = words[-1]
            elif self._has_short_form(text, found, words):
                short = words[0]
            else:
                continue
            shorts.setdefault(short, found.kind)
            fulls.setdefault(short, []).append(found)
        for short, kind in shorts.items():
            for match in re.finditer(rf"\b{re.escape(short)}\b(?![-’'][A-Za-z]{{2}})", text):
                if not re.match(r" [A-Z]", text[match.end() : match.end() + 2]):
                    room.take(_short(match.start(), match.end(), kind, fulls[short]))


_CONTEXT_KINDS = {"person": "PER", "place": "LOC.place", "organisation": "ORG", "work": "WORK", "product": "PRODUCT"}


def _whole_title(text: str, start: int, end: int) -> tuple[int, int]:
    """Read a title on over its small words and back over its article: The Salt of the Earth."""
    while (more := _TITLE_GOES_ON.match(text, end)) is not None and end - start < _MAX_TITLE_CHARS:
        end = more.end()
    article = next((word for word in ("The ", "An ", "A ") if text.endswith(word, 0, start)), "")
    return start - len(article), end


def _short(start: int, end: int, kind: str, fulls: list[Span]) -> Span:
    before = [found for found in fulls if found.end <= start and start - found.end <= _MAX_FULL_CHARS]
    full = (before[-1].start, before[-1].end) if before and before[-1].kind == kind else None
    return Span(start=start, end=end, kind=kind, score=0.75, outer=(start, end), full=full)


def _cue(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s(“\"])(?:{'|'.join(sorted(words))})[\s“\"]$")


def _cue_behind(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(sorted(words))})")


def _longest_first(hit: Hit) -> tuple[int, int]:
    return hit[0] - hit[1], hit[0]
