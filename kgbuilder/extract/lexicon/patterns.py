"""The pattern language of the relation rules, compiled to regular expressions over text whose mentions are signs.

In such a text every mention is one private-use character that stands for its kind, so that a slot of a pattern is a
character class and a gap that holds no mention is a negated one. How patterns are written: `data/zh_relations.yaml`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import yaml

from kgbuilder.errors import SchemaError
from kgbuilder.extract.lexicon.forms import data_text

__all__ = ["KINDS", "Gift", "Rule", "Rules", "class_of", "load_rules", "mask_of", "sign"]

KINDS = (
    "PER",
    "PER.guess",
    "ORG",
    "ORG.org",
    "ORG.weak",
    "ORG.party",
    "ORG.media",
    "LOC",
    "LOC.place",
    "LOC.province",
    "LOC.country",
    "LOC.demonym",
    "TIME",
    "NUM",
    "NUM.money",
    "NUM.percent",
    "NUM.people",
    "NUM.area",
    "NUM.length",
    "NUM.other",
    "WORK",
    "EVENT",
    "PRODUCT",
    "PRODUCT.drug",
    "TERM",
    "TERM.leader",
    "TERM.office",
    "TERM.occupation",
    "TERM.disease",
    "TERM.symptom",
    "TERM.test",
    "TERM.language",
    "TERM.ethnic",
    "TERM.religion",
    "TERM.genre",
    "TERM.field",
    "TERM.award",
)
"""Every kind of mention a pattern may ask for, by label and finer kind."""

LABELS = tuple(dict.fromkeys(kind.partition(".")[0] for kind in KINDS))
ANY_SIGN = "\ue000-\ue0ff"
_SIGNS = {kind: chr(0xE000 + index) for index, kind in enumerate(KINDS)}
_SLOT = re.compile(r"\{(?:([a-z]\w*):)?([A-Za-z|]+)\}")
_GROUP_NAME = re.compile(r"\(\?P<\w+>")
_WORD = re.compile(r"<([a-z]+)>")
_TEXT = {"text": "{2,10}?", "same": "{2,16}?"}
_NO_TEXT = "\\s，。；：、（）“”！？《》,.;:()\"'"
_GAPS = {"zh": 12, "en": 30}
_SCORES = {"strong": 0.9, "weak": 0.7}


@dataclass(frozen=True, slots=True)
class Gift:
    """One triple that a match gives, by the names of its slots."""

    head: str
    relation: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One compiled pattern. `anchored` rules begin with the subject of a clause; `needs` are labels as bits."""

    pattern: str
    regex: re.Pattern[str]
    gifts: tuple[Gift, ...]
    score: float
    anchored: bool
    needs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules that need the same labels; `gate` matches where one of them does, for most clauses state nothing."""

    anchored: bool
    needs: int
    gate: re.Pattern[str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a language, and the words that keep a clause from stating anything."""

    rules: tuple[Rule, ...]
    deny: re.Pattern[str]
    plan: re.Pattern[str]
    groups: tuple[RuleGroup, ...]
    _chosen: dict[tuple[bool, int], tuple[RuleGroup, ...]] = field(default_factory=dict, repr=False, compare=False)

    def candidates(self, text: str, *, anchored: bool, labels: int) -> Iterator[Rule]:
        """Yield the rules that may match `text`, in which mentions of these labels stand."""
        key = (anchored, labels)
        groups = self._chosen.get(key)
        if groups is None:
            groups = tuple(g for g in self.groups if g.anchored is anchored and g.needs & labels == g.needs)
            self._chosen[key] = groups
        for group in groups:
            if group.gate.match(text) if anchored else group.gate.search(text):
                yield from group.rules


def sign(kind: str) -> str:
    """Return the character that stands for a mention of `kind`; an unknown finer kind reads as its label."""
    return _SIGNS.get(kind) or _SIGNS.get(kind.partition(".")[0], _SIGNS["TERM"])


def mask_of(label: str) -> int:
    """Return the bit of a label."""
    return 1 << LABELS.index(label)


def class_of(names: str) -> str:
    """Return the character class of labels and finer kinds separated by "|"; raises KeyError for an unknown one."""
    return "".join(dict.fromkeys(char for name in names.split("|") for char in _signs_of(name)))


@lru_cache(maxsize=4)
def load_rules(language: str) -> Rules:
    """Load and compile the relation rules of "zh" or "en".

    Raises:
        SchemaError: for a pattern that names an unknown kind, word or slot, or is no regular expression.
    """
    name = f"{language}_relations.yaml"
    content = yaml.load(data_text(name), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    words: Mapping[str, str] = content["words"]
    rules = tuple(
        _compile(pattern, gifts, words, score=_SCORES[strength], gap=_GAPS[language], where=name)
        for strength in _SCORES
        for pattern, gifts in content[strength].items()
    )
    return Rules(
        rules=rules,
        groups=_grouped(rules),
        deny=re.compile(_joined(content["deny"])),
        plan=re.compile(_joined(content["plan"])),
    )


def _grouped(rules: Iterable[Rule]) -> tuple[RuleGroup, ...]:
    by_need: dict[tuple[bool, int], list[Rule]] = {}
    for rule in rules:
        by_need.setdefault((rule.anchored, rule.needs), []).append(rule)
    return tuple(
        RuleGroup(
            anchored=anchored,
            needs=needs,
            gate=re.compile("|".join(_GROUP_NAME.sub("(?:", rule.regex.pattern) for rule in group)),
            rules=tuple(group),
        )
        for (anchored, needs), group in by_need.items()
    )


def _compile(pattern: str, gifts: str, words: Mapping[str, str], *, score: float, gap: int, where: str) -> Rule:
    try:
        regex = re.compile(_expression(pattern, words, gap))
        given = tuple(Gift(*gift.split()) for gift in gifts.split(";"))
    except (re.error, KeyError, TypeError) as error:
        raise SchemaError(
            f"a pattern is wrong: {pattern!r}: {error}", where=where, remedy="correct the rule"
        ) from error
    for gift in given:
        for slot in (gift.head, gift.tail):
            if slot not in regex.groupindex:
                raise SchemaError(f"{pattern!r} has no slot {slot!r}", where=where, remedy="name the slot")
    return Rule(
        pattern=pattern,
        regex=regex,
        gifts=given,
        score=score,
        anchored=pattern.startswith("^"),
        needs=_needs(pattern, given[0]),
    )


def _expression(pattern: str, words: Mapping[str, str], gap: int) -> str:
    text = _WORD.sub(lambda match: words[match[1]], pattern)
    text = _SLOT.sub(_slot, text)
    return text.replace("…", f"[^{ANY_SIGN}，。；：（）,;:()]{{0,{gap}}}?").replace("~", "[^，。；：,;:]{0,30}?")


def _slot(match: re.Match[str]) -> str:
    name, kinds = match[1], match[2]
    inner = f"[^{ANY_SIGN}{_NO_TEXT}]{_TEXT[kinds]}" if kinds in _TEXT else f"[{class_of(kinds)}]+"
    return f"(?P<{name}>{inner})" if name else f"(?:{inner})"


def _signs_of(name: str) -> list[str]:
    if name.isupper():
        chosen = [char for kind, char in _SIGNS.items() if kind.partition(".")[0] == name]
    else:
        chosen = [char for kind, char in _SIGNS.items() if kind.partition(".")[2] == name]
    if not chosen:
        raise KeyError(name)
    return chosen


def _needs(pattern: str, gift: Gift) -> int:
    """Return the labels without which the first triple cannot be: of its slots that are not alternatives."""
    needs = 0
    for match in _SLOT.finditer(pattern):
        labels = {
            kind.partition(".")[0] for name in match[2].split("|") if name not in _TEXT for kind in _kinds_of(name)
        }
        if match[1] in (gift.head, gift.tail) and len(labels) == 1:
            needs |= mask_of(labels.pop())
    return needs


def _kinds_of(name: str) -> list[str]:
    by_sign = {char: kind for kind, char in _SIGNS.items()}
    return [by_sign[char] for char in _signs_of(name)]


def _joined(text: str) -> str:
    return "".join(text.split("\n")).replace("| ", "|").strip(" |") if "，" in text or "|" in text else text
