"""The rules of CONVENTIONS.md that a program can decide: where a passage breaks one, or probably does.

A rule looks at one passage and says what is against it. "wrong" rules follow from the conventions alone; "doubt" rules
guess from words and want a look. A passage that rightly breaks a rule says so in its file: `# accepted RULE: reason`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from training.data import rules
from training.data.records import AnnotatedPassage
from training.data.views import View, Vocabulary, vocabulary_of

__all__ = ["RULES", "Finding", "Rule", "check_conventions", "count_findings"]

Level = Literal["wrong", "doubt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A passage against a rule: `where` is its file and line, `what` names the entities."""

    where: str
    rule: str
    level: Level
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A convention by name; `check` yields what is against it."""

    name: str
    level: Level
    says: str
    check: Callable[[View, Vocabulary], Iterator[str]]


def check_conventions(passages: Sequence[AnnotatedPassage], vocabulary: Vocabulary | None = None) -> Iterator[Finding]:
    """Yield every finding, passage by passage; the vocabulary is taken from the passages if none is given."""
    words = vocabulary or vocabulary_of(passages)
    for passage in passages:
        view = View(passage)
        for rule in RULES:
            if rule.name not in passage.accepted:
                for what in rule.check(view, words):
                    yield Finding(where=passage.where, rule=rule.name, level=rule.level, what=what)


def count_findings(findings: Iterable[Finding]) -> Mapping[str, Mapping[str, int]]:
    """Return the number of findings by rule and file."""
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for finding in findings:
        counts[finding.rule][finding.where.rpartition(":")[0]] += 1
    return counts


RULES: Sequence[Rule] = (
    Rule(
        name="head-no-employer",
        level="wrong",
        says="a head with a title has led_by, employer, position_held",
        check=rules.head_without_employer,
    ),
    Rule(
        name="head-no-employer-title",
        level="wrong",
        says="a head has led_by and employer",
        check=rules.head_without_title,
    ),
    Rule(name="head-no-led-by", level="doubt", says="the head in office has led_by", check=rules.head_without_led_by),
    Rule(
        name="alias-chain",
        level="wrong",
        says="all triples but alias stand on the full present name",
        check=rules.alias_chain,
    ),
    Rule(name="place-skip", level="wrong", says="place chains are direct steps only", check=rules.place_skip),
    Rule(
        name="place-twice",
        level="wrong",
        says="of a chain of places only the nearest is stated",
        check=rules.place_twice,
    ),
    Rule(
        name="winner-participant",
        level="wrong",
        says="a champion has winner and no participant_in",
        check=rules.winner_participant,
    ),
    Rule(name="relative-time", level="wrong", says="去年, 昨天, last year are no TIME", check=rules.relative_time),
    Rule(
        name="relative-time-start",
        level="doubt",
        says="a TIME is absolute or resolvable",
        check=rules.relative_time_start,
    ),
    Rule(
        name="unused-duration",
        level="wrong",
        says="an age or duration is NUM only when a relation uses it",
        check=rules.unused_duration,
    ),
    Rule(name="unused-number", level="doubt", says="a NUM that no relation uses", check=rules.unused_number),
    Rule(
        name="bare-role",
        level="wrong",
        says="a role is marked only when occupation or position_held uses it",
        check=rules.bare_role,
    ),
    Rule(name="unused-term", level="doubt", says="a TERM that no relation uses", check=rules.unused_term),
    Rule(name="unmarked-name", level="doubt", says="a name is marked wherever it stands", check=rules.unmarked_name),
    Rule(name="unmarked-term", level="doubt", says="a TERM is marked wherever it stands", check=rules.unmarked_term),
    Rule(name="name-two-ids", level="doubt", says="one thing has one id", check=rules.name_with_two_ids),
    Rule(
        name="acquired-not-owned",
        level="doubt",
        says="control is acquired and, as a lasting state, owned_by",
        check=rules.acquired_not_owned,
    ),
    Rule(
        name="invested-owned",
        level="wrong",
        says="a minority stake is invested_in, control owned_by",
        check=rules.invested_and_owned,
    ),
    Rule(
        name="alias-follows",
        level="wrong",
        says="the same thing is alias, a successor follows",
        check=rules.alias_follows,
    ),
    Rule(
        name="functional-twice", level="doubt", says="a functional relation has one tail", check=rules.functional_twice
    ),
    Rule(
        name="generic-kind",
        level="wrong",
        says="is_a names a specific class, not company, city, film",
        check=rules.generic_kind,
    ),
    Rule(name="bare-work", level="wrong", says="a bare 小说, 电影, song stays unmarked", check=rules.bare_work),
    Rule(name="court-party", level="wrong", says="a court in a case has no triple", check=rules.court_party),
    Rule(
        name="periodical-work",
        level="doubt",
        says="journals, newspapers, channels are ORG",
        check=rules.periodical_work,
    ),
    Rule(
        name="country-in-title",
        level="doubt",
        says="a country before a title is LOC, the title TERM",
        check=rules.country_in_title,
    ),
    Rule(
        name="province-nationality",
        level="wrong",
        says="a Chinese place is ancestral_home, a country nationality",
        check=rules.province_nationality,
    ),
    Rule(name="pronoun-marked", level="wrong", says="a pronoun is no entity", check=rules.pronoun_marked),
    Rule(
        name="sign-in-mark",
        level="doubt",
        says="title marks and punctuation stay outside the mark",
        check=rules.sign_in_mark,
    ),
    Rule(name="alias-one-id", level="wrong", says="each name of a thing has its own id", check=rules.alias_one_id),
    Rule(name="alias-missing", level="doubt", says="简称, 又名, 原名, formerly = alias", check=rules.alias_missing),
    Rule(
        name="planned-stake",
        level="doubt",
        says="planned, rumoured, denied, failed = nothing",
        check=rules.planned_stake,
    ),
    Rule(name="prevention", level="doubt", says="prevention is not treats", check=rules.prevention),
    Rule(
        name="denied-finding",
        level="doubt",
        says="denied, suspected, ruled-out findings = nothing",
        check=rules.denied_finding,
    ),
    Rule(name="co-organizer", level="doubt", says="协办 is no organizer", check=rules.co_organizer),
    Rule(name="type-conflict", level="doubt", says="a name has one type in most passages", check=rules.type_conflict),
    Rule(name="unmarked-elsewhere", level="doubt", says="other passages mark it", check=rules.unmarked_elsewhere),
)
"""Every rule, in the order in which they are checked."""
