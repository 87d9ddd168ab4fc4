"""How Chinese and English build sentences, as far as the relation patterns need to know; the words are data."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from kgbuilder.extract.lexicon.clauses import Grammar
from kgbuilder.extract.lexicon.forms import load_forms
from kgbuilder.extract.lexicon.patterns import ANY_SIGN, LABELS, class_of

__all__ = ["grammar"]

_TIME = class_of("TIME")
_THING = class_of("PER|ORG|LOC|WORK|EVENT|PRODUCT|TERM")
_NOT_PERSON = class_of("ORG|LOC|TERM|WORK|NUM|PRODUCT|EVENT")
_ENUMERATED = tuple(label for label in LABELS if label not in ("TIME", "NUM"))
_ABBREVIATIONS = "".join(
    f"(?<!\\b{word})"
    for word in ("Mr", "Mrs", "Ms", "Dr", "St", "No", "vs", "Inc", "Ltd", "Co", "Jr", "Prof", "Gen", "[A-Z]")
)

# What may not follow, or must follow, so that a word stands for what was spoken of: 他|们, 其|中, 公司|的.
_LIMITS_ZH = {
    "pronoun_PER": "(?!们|的|国|人|乡|山|自己的)",
    "own_PER": "(?!他|中|实|间|后|余|次|它)",
    "pronoun_ORG": f"(?=[^的和与及{ANY_SIGN}]|$)",
}
_LIMITS_EN = {"pronoun_ORG": "(?= (?!'))"}


@lru_cache(maxsize=2)
def grammar(language: str) -> Grammar:
    """Return the grammar of "zh", or that of "en" for any other language."""
    return _chinese() if language == "zh" else _english()


def _chinese() -> Grammar:
    lists = load_forms("zh").lists
    lead = f"(?P<time>[{_TIME}]*(?:在|于|起|，)?)(?P<lead>)(?:(?:{_any(lists['subject_lead'])})，?)*"
    glue = f"(?:{_any(lists['subject_glue'] | lists['kin'])}){{1,3}}"
    before = f"(?P<lead>[{_TIME}]?)(?:，|但|而|后来|随后|此后|同时|目前|现)?"
    person = class_of("PER")
    return Grammar(
        sentence_end=re.compile(r"[。！？!?\n]+[”’」』]?"),
        clause_break=re.compile("[，,]|(?P<hard>[；;])"),
        continues=re.compile(f"[{''.join(sorted(lists['continues']))}{_TIME}{_NOT_PERSON}]"),
        aside=re.compile("[（(]([^（）()]{0,120})[）)]"),
        enumeration={
            label: re.compile(f"(?<=[{class_of(label)}])(?:、|和|与|及|以及|跟|同)(?=[{class_of(label)}])")
            for label in _ENUMERATED
        },
        time_lead=re.compile(f"(?:^|(?<=[，；]))[^{ANY_SIGN}，；]{{0,3}}[{_TIME}]，"),
        subject=re.compile(f"{lead}(?P<chain>[{_THING}]+(?:{glue}[{_THING}]+)*)(?P<rest>.*)", re.DOTALL),
        pronouns=_pronouns(lists, before, _LIMITS_ZH, _any),
        kin=re.compile(f"[{_TIME}]*(?:其|他的|她的)?(?:{_any(lists['kin'])})"),
        kin_glue=re.compile(f"的?(?:{_any(lists['kin'])})"),
        credit=re.compile(f"[{person}]+(?:等|领衔|联合|分别|共同|担任|任|作|为)*(?:{_any(lists['credits'])})"),
        connective=re.compile("(?:但|而|并|后来|随后|此后|同时|还|后|曾|又|先后)(?=.)"),
    )


def _english() -> Grammar:
    lists = load_forms("en").lists
    times = f"(?:{_any_cased(lists['time_lead'])}) "
    lead = f"(?P<time>(?:{times}[{_TIME}] )?)(?P<lead>)(?:(?:{_any_cased(lists['subject_lead'])}) ){{0,4}}"
    glue = "(?: |'s |’s | of (?:the )?|, the |, a |\"){1,2}"
    begun = "(?:[Bb]ut |[Aa]nd |[Ll]ater |[Tt]hen |[Ww]hen |[Tt]hough |[Aa]lthough |[Aa]fter |[Tt]oday )?"
    kin = f"(?:\\w+ )?(?:{_any(lists['kin'])})"
    roles = class_of("leader|office|occupation|genre")
    return Grammar(
        sentence_end=re.compile(f'{_ABBREVIATIONS}(?:\\.[”"’)]?(?= +[^a-z]|\n|$)|[!?][”"’]?(?=\\s|$)|\n)'),
        clause_break=re.compile(
            "(?:,|(?P<hard>[;:]))\\s+(?:and |but |then )?"
            f"|(?<![{_TIME}])\\s+[–—-]\\s+(?![{_TIME}])"
            f"|\\s+(?:and|but)\\s+(?=[a-z]|{times}|His|Her|Its)"
            "|\\s+(?=(?:who|which|whose|where)\\s)"
        ),
        aside=re.compile(r"\(([^()]{0,120})\)"),
        enumeration={
            label: re.compile(f"[{signs}](?:, [{signs}]){{0,20}}(?:,? and |,? as well as | & )[{signs}](?!'s? own)")
            for label, signs in ((label, class_of(label)) for label in _ENUMERATED)
        },
        time_lead=re.compile(f"(?:^|(?<=[,;] ))\\s*{times}[{_TIME}],"),
        subject=re.compile(
            f"\\s*{lead}(?P<chain>[{_THING}]+(?:{glue}[{_THING}]+)*)(?P<rest>(?:[ ,'’.].*)?)$", re.DOTALL
        ),
        pronouns=_pronouns(lists, f"\\s*(?P<lead>(?:{times}[{_TIME}] )?){begun}", _LIMITS_EN, _any_cased),
        connective=re.compile(r"\s*(?:and|but|then|later|also|now|today|currently|still)\s+"),
        relative=re.compile(r"(?:(?P<who>who|whose)|which|that|where)\s"),
        kin=re.compile(f"\\s*(?:[Hh]is|[Hh]er|[Tt]heir) {kin}"),
        kin_glue=re.compile(f"['’]s {kin}"),
        role_comma=re.compile(f"(?:\\b(?:{_any(lists['role_nouns'])})|[{roles}]),(?= [{ANY_SIGN}])"),
        apposition=re.compile(
            r"(?:an?|the|born|founded|based|headquartered|owned|established|made|built|written|directed|published|developed)\s"
        ),
        bare_subjects=True,
        space=" ",
    )


def _pronouns(
    lists: Mapping[str, frozenset[str]], before: str, limits: Mapping[str, str], joined: Callable[[Iterable[str]], str]
) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what stands for each label at the start of a clause; group "own" is not empty for possessives."""
    found: list[tuple[re.Pattern[str], str]] = []
    for name in sorted(lists, key=lambda name: (name.startswith("own_"), name)):
        role, _, label = name.partition("_")
        if role in ("pronoun", "own"):
            words = joined(lists[name])
            core = f"(?P<own>{words})" if role == "own" else f"(?P<own>)(?:{words})"
            limit = limits.get(name, "" if joined is _any else "(?= )")
            found.append((re.compile(f"{before}{core}{limit}"), label))
    return tuple(found)


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _any_cased(words: Iterable[str]) -> str:
    """Return an alternation in which the first letter of each word may be large or small."""
    return "|".join(f"[{word[0].upper()}{word[0].lower()}]{word[1:]}" for word in _any(words).split("|"))
