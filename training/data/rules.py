"""What is looked for under each rule of `conventions`: a function yields what in one passage is against it."""

import re
from collections import defaultdict
from collections.abc import Iterator

from graph_schema import load_ontology
from kgbuilder.normalize import fold
from training.data.records import Mention
from training.data.splits import NAME_TYPES
from training.data.views import View, Vocabulary

_RELATIVE_DAY = (
    "[昨今明前后次当翌]日|[昨今明前后]天|[去今明前后]年|[上下本这]个?(?:月|周|星期|季度)|[当同]年|近年|近日|目前|如今"
)
_RELATIVE_WORDS = (
    "yesterday|today|tomorrow|now|currently|recently|(?:last|this|next|that|the same)"
    "(?: day| night| week| weekend| month| quarter| year| decade| century| spring| summer| autumn| fall| winter)"
)
_RELATIVE = re.compile(f"{_RELATIVE_DAY}|(?i:{_RELATIVE_WORDS})")
_RELATIVE_START = re.compile("(?:去年|今年|明年|前年|上月|本月|下月|次年|当年|同年)(?=.)|(?i:last|this|next) (?=\\S+ )")
_DURATION = re.compile(
    r".*(?:岁|周岁|年|年间|个月|天|日|小时|分钟|秒|周|载|余年)|.*\b(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)"
    r"(?: old)?|\d{1,3}-year-old",
    re.IGNORECASE,
)
_KINDS = re.compile(
    "公司|企业|机构|学校|大学|医院|城市|国家|地方|电影|影片|小说|歌曲|书|作品|产品|活动"
    "|(?i:company|firm|city|town|country|film|movie|novel|book|song|album|product|organi[sz]ation|school|hospital)"
)
_BARE_WORKS = re.compile("小说|电影|影片|歌曲|图书|书籍|(?i:song|film|movie|book|novel)")
_COURT = re.compile(".*(?:法院|法庭|检察院|仲裁委员会)|.*(?:Court|Tribunal|Court of Appeals?)")
_PERIODICAL = re.compile(
    ".*(?:日报|晚报|时报|早报|晨报|周报|周刊|月刊|双月刊|季刊|学报|杂志|卫视|电视台|电台|频道)"
    "|.+ (?:Gazette|Herald|Tribune|Weekly|Monthly|Quarterly|Magazine|Journal|Daily|Chronicle|Observer)"
)
_HEAD_TITLE = re.compile(
    "董事长|(?:大学|中学|小学)?校长|院长|行长|总裁|首席执行官|法定代表人|馆长|社长|主教练|所长|会长|理事长|台长|厂长|总经理"
    "|(?i:chief executive(?: officer)?|ceo|chairman|chairwoman|chair|president|managing director|rector|headmaster"
    "|headmistress|head coach|director[- ]general)"
)
_FORMER = re.compile(
    r"[原前曾]|卸任|辞去|离任|退休|去世|时任|(?i:\bformer|\bex-|\buntil\b|\bpreviously|\bwas\b|\blate\b|\bhad\b)"
)
_PRONOUN = re.compile(
    "[他她它我你您](?:们)?|其|自己|本人|本公司|该公司|(?i:he|she|it|they|we|i|you|him|her|them|us|his|its|their)"
)
_PROVINCE = re.compile(".{2,}(?:省|市|县|区|自治区|镇|乡)")
_LOOSE_SIGNS = "，。、；：,;:"
_PAIRED_SIGNS = ("“”", "‘’", "《》", "〈〉", "「」", '""')
_ALIAS_CUE = re.compile(
    "(?:简称|又名|又称|亦称|别名|别称|原名|曾用名|旧称|旧名|更名为|改名为|俗称|艺名|笔名)[为作叫是：:“《‘]*$"
    "|(?i:also known as|known as|abbreviated(?: as| to)?|formerly(?: known as| called)?|nicknamed|renamed|short for)"
    "(?: the)? [“\"'(]?$"
)
_PLANNED = re.compile(
    "拟|计划|有意|洽谈|传闻|盛传|否认|终止|考虑|未能|放弃|失败"
    "|(?i:\\bplan(?:s|ned)? to|propos|consider|rumou?r|\\bden(?:y|ies|ied)|abandon|\\bfailed|called off|in talks)"
)
_PREVENTION = re.compile("预防|防止|(?i:prevent|protects? against|prophyla)")
_NEGATED = re.compile(
    "(?:否认|未见|无|排除|疑似|待排|不伴)[^，。；,;]{0,4}$"
    "|(?i:\\b(?:denie[sd]|denying|ruled out|no|without|suspected)) $"
)
_HAN = re.compile("[\u3400-\u9fff]")
_MIN_CHARS_HAN, _MIN_CHARS_LATIN = 2, 3
_NEAR_CHARS = 12
_CUE_CHARS = 24
_USUAL = 4
_CLEARLY = 2
_MAX_WORDS = 10
_PLACE_RELATIONS = ("place_of_birth", "place_of_death", "residence", "headquarters", "ancestral_home", "capital_of")


def head_without_employer(view: View, _: Vocabulary) -> Iterator[str]:
    for organisation, person in view.pairs("led_by"):
        titled = bool(view.tails(person, "position_held"))
        if view.type(organisation) == "ORG" and titled and not view.has(person, "employer", organisation):
            yield f"{view.name(person)} heads {view.name(organisation)} with a title, but has no employer there"


def head_without_title(view: View, _: Vocabulary) -> Iterator[str]:
    for organisation, person in view.pairs("led_by"):
        titled = bool(view.tails(person, "position_held"))
        if view.type(organisation) == "ORG" and not titled and not view.has(person, "employer", organisation):
            yield f"{view.name(person)} heads {view.name(organisation)}, but has no employer there (and no title)"


def head_without_led_by(view: View, _: Vocabulary) -> Iterator[str]:
    followed = {person for _, person in view.pairs("follows")}
    for person, title in view.pairs("position_held"):
        employers = view.tails(person, "employer")
        if len(employers) != 1 or person in followed or not _HEAD_TITLE.fullmatch(view.name(title)):
            continue
        starts = (view.first[person].start, view.first[title].start)
        before = view.passage.text[max(0, min(starts) - _NEAR_CHARS) : max(starts)]
        if not view.has(employers[0], "led_by", person) and not _FORMER.search(before):
            yield f"{view.name(person)} is {view.name(title)} of {view.name(employers[0])}, which has no led_by"


def alias_chain(view: View, _: Vocabulary) -> Iterator[str]:
    others = {tail: head for head, tail in view.pairs("alias")}
    for triple in view.passage.triples:
        for entity in (triple.head, triple.tail):
            full = others.get(entity)
            if full is not None and not (triple.relation == "alias" and triple.tail == entity):
                fact = f"{view.name(triple.head)} {triple.relation} {view.name(triple.tail)}"
                yield f"{fact!r} stands on {view.name(entity)}, an alias of {view.name(full)}"


def place_skip(view: View, _: Vocabulary) -> Iterator[str]:
    steps = [*view.pairs("located_in"), *view.pairs("part_of")]
    for head, tail in view.pairs("located_in"):
        for first, middle in steps:
            if first == head and middle != tail and (middle, tail) in steps:
                yield f"{view.name(head)} in {view.name(tail)} skips {view.name(middle)}"


def place_twice(view: View, _: Vocabulary) -> Iterator[str]:
    inside = {*view.pairs("located_in"), *view.pairs("part_of")}
    for relation in _PLACE_RELATIONS:
        for head, place in view.pairs(relation):
            for wider in view.tails(head, relation):
                if (place, wider) in inside:
                    yield f"{view.name(head)} {relation} {view.name(place)} and {view.name(wider)}, which holds it"


def winner_participant(view: View, _: Vocabulary) -> Iterator[str]:
    for event, winner in view.pairs("winner"):
        if view.has(winner, "participant_in", event):
            yield f"{view.name(winner)} is winner and participant_in of {view.name(event)}"


def relative_time(view: View, _: Vocabulary) -> Iterator[str]:
    yield from _marked(view, "TIME", _RELATIVE)


def relative_time_start(view: View, _: Vocabulary) -> Iterator[str]:
    for mention in view.passage.mentions:
        name = view.text(mention)
        if mention.type == "TIME" and not _RELATIVE.fullmatch(name) and _RELATIVE_START.match(name):
            yield f"{name!r} depends on the day of writing"


def unused_duration(view: View, _: Vocabulary) -> Iterator[str]:
    yield from (name for name in _unused(view, "NUM") if _DURATION.fullmatch(name))


def unused_number(view: View, _: Vocabulary) -> Iterator[str]:
    yield from (name for name in _unused(view, "NUM") if not _DURATION.fullmatch(name))


def bare_role(view: View, vocabulary: Vocabulary) -> Iterator[str]:
    yield from (name for name in _unused(view, "TERM") if fold(name) in vocabulary.roles)


def unused_term(view: View, vocabulary: Vocabulary) -> Iterator[str]:
    yield from (name for name in _unused(view, "TERM") if fold(name) not in vocabulary.roles)


def unmarked_name(view: View, _: Vocabulary) -> Iterator[str]:
    yield from _unmarked(view, NAME_TYPES)


def unmarked_term(view: View, _: Vocabulary) -> Iterator[str]:
    yield from _unmarked(view, frozenset({"TERM"}))


def name_with_two_ids(view: View, _: Vocabulary) -> Iterator[str]:
    ids: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for mention in view.passage.mentions:
        if mention.type not in ("TIME", "NUM"):
            ids[mention.type, view.text(mention)].add(mention.entity)
    for (type_, name), found in ids.items():
        if len(found) > 1:
            yield f"{type_} {name} is {' and '.join(map(str, sorted(found)))}"


def acquired_not_owned(view: View, _: Vocabulary) -> Iterator[str]:
    for buyer, bought in view.pairs("acquired"):
        if not view.has(bought, "owned_by", buyer):
            yield f"{view.name(buyer)} acquired {view.name(bought)}, which is not owned_by it"


def invested_and_owned(view: View, _: Vocabulary) -> Iterator[str]:
    for investor, held in view.pairs("invested_in"):
        if view.has(held, "owned_by", investor) or view.has(investor, "acquired", held):
            yield f"{view.name(investor)} holds a stake in {view.name(held)} and controls it"


def alias_follows(view: View, _: Vocabulary) -> Iterator[str]:
    for one, other in view.pairs("alias"):
        if view.has(one, "follows", other) or view.has(other, "follows", one):
            yield f"{view.name(one)} and {view.name(other)} are the same and follow each other"


def functional_twice(view: View, _: Vocabulary) -> Iterator[str]:
    for relation in load_ontology("general").relation_types.values():
        if relation.functional:
            for head in sorted({head for head, _ in view.pairs(relation.id)}):
                tails = view.tails(head, relation.id)
                if len({view.name(tail) for tail in tails}) > 1:
                    yield f"{view.name(head)} {relation.id} {', '.join(map(view.name, tails))}"


def generic_kind(view: View, _: Vocabulary) -> Iterator[str]:
    for head, kind in view.pairs("is_a"):
        if _KINDS.fullmatch(view.name(kind)):
            yield f"{view.name(head)} is_a {view.name(kind)}"


def bare_work(view: View, _: Vocabulary) -> Iterator[str]:
    yield from _marked(view, "TERM", _BARE_WORKS)


def court_party(view: View, _: Vocabulary) -> Iterator[str]:
    for party, case in view.pairs("party_to"):
        if _COURT.fullmatch(view.name(party)):
            yield f"{view.name(party)} party_to {view.name(case)}"


def periodical_work(view: View, _: Vocabulary) -> Iterator[str]:
    yield from _marked(view, "WORK", _PERIODICAL)


def country_in_title(view: View, vocabulary: Vocabulary) -> Iterator[str]:
    for _person, title in view.pairs("position_held"):
        name = fold(view.name(title))
        for country in vocabulary.countries:
            ending = name.removeprefix(country)
            if ending != name and len(country) > 1 and (_HAN.match(ending) or ending.startswith(" ")):
                yield f"the title {view.name(title)} begins with {country}"


def province_nationality(view: View, _: Vocabulary) -> Iterator[str]:
    for person, place in view.pairs("nationality"):
        if _PROVINCE.fullmatch(view.name(place)):
            yield f"{view.name(person)} nationality {view.name(place)}"


def pronoun_marked(view: View, _: Vocabulary) -> Iterator[str]:
    for mention in view.passage.mentions:
        if mention.type in NAME_TYPES and _PRONOUN.fullmatch(view.text(mention)) and not view.text(mention).isupper():
            yield f"{mention.type} {view.text(mention)}"


def sign_in_mark(view: View, _: Vocabulary) -> Iterator[str]:
    for mention in view.passage.mentions:
        name = view.text(mention)
        loose = name[0] in _LOOSE_SIGNS or name[-1] in _LOOSE_SIGNS
        if loose or any(name[0] == pair[0] and name[-1] == pair[1] for pair in _PAIRED_SIGNS):
            yield f"{mention.type} {name}"


def alias_one_id(view: View, _: Vocabulary) -> Iterator[str]:
    for mention in view.passage.mentions:
        first = view.first[mention.entity]
        if first != mention and view.text(first) != view.text(mention) and _ALIAS_CUE.search(_before(view, mention)):
            yield f"{view.text(mention)} has the id of {view.text(first)}"


def alias_missing(view: View, _: Vocabulary) -> Iterator[str]:
    named = {entity for pair in view.pairs("alias") for entity in pair}
    for entity, mention in view.first.items():
        if mention.type in NAME_TYPES and entity not in named and _ALIAS_CUE.search(_before(view, mention)):
            yield f"{view.text(mention)} is another name, but no alias"


def planned_stake(view: View, _: Vocabulary) -> Iterator[str]:
    for relation in ("acquired", "invested_in"):
        for head, tail in view.pairs(relation):
            if found := _PLANNED.search(_between(view, head, tail)):
                yield f"{view.name(head)} {relation} {view.name(tail)}, with {found[0]!r} between them"


def prevention(view: View, _: Vocabulary) -> Iterator[str]:
    for head, tail in view.pairs("treats"):
        if found := _PREVENTION.search(_between(view, head, tail)):
            yield f"{view.name(head)} treats {view.name(tail)}, with {found[0]!r} between them"


def denied_finding(view: View, _: Vocabulary) -> Iterator[str]:
    for symptom, disease in view.pairs("symptom_of"):
        for entity in (symptom, disease):
            if _NEGATED.search(_before(view, view.first[entity])):
                yield f"{view.name(symptom)} symptom_of {view.name(disease)}, but {view.name(entity)} is denied or open"


def co_organizer(view: View, _: Vocabulary) -> Iterator[str]:
    for event, organizer in view.pairs("organizer"):
        mention = view.first[organizer]
        after = view.passage.text[mention.end : mention.end + 3]
        if "协办" in after or re.search("协办(?:单位|方)?[为是：:]*$", _before(view, mention)):
            yield f"{view.name(organizer)} organizer of {view.name(event)}"


def type_conflict(view: View, vocabulary: Vocabulary) -> Iterator[str]:
    for name, type_ in sorted({(view.text(mention), mention.type) for mention in view.passage.mentions}):
        counts = vocabulary.types.get(name, {})
        usual = max(counts, key=lambda other: (counts[other], other), default=type_)
        if usual != type_ and counts[usual] >= _CLEARLY * max(1, counts.get(type_, 0)):
            yield f"{name} is {type_} here, {usual} in {counts[usual]} other passages"


def unmarked_elsewhere(view: View, vocabulary: Vocabulary) -> Iterator[str]:
    text, marked = view.passage.text, view.marked()
    for start, end in _stretches(marked):
        for name in _known(text[start:end], vocabulary):
            if fold(name) not in vocabulary.roles:
                n_passages = sum(vocabulary.types[name].values())
                yield f"{name} is not marked here, but in {n_passages} other passages"


def _stretches(marked: bytearray) -> Iterator[tuple[int, int]]:
    """Yield the stretches of text without a mark."""
    for found in re.finditer(b"\0+", bytes(marked)):
        yield found.start(), found.end()


def _known(stretch: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the names in an unmarked stretch that other passages often mark, each once, of nested ones the longest."""
    words = [found.span() for found in re.finditer(f"{_HAN.pattern}|[^\\W\u3400-\u9fff]+", stretch)]
    seen: set[str] = set()
    last = 0
    for first, (start, _) in enumerate(words):
        ends = [end for _, end in words[first : first + _MAX_WORDS] if stretch[start:end] in vocabulary.types]
        if start < last or not ends:
            continue
        last = ends[-1]
        name = stretch[start:last]
        often = sum(vocabulary.types[name].values()) >= _USUAL
        if often and len(name) >= _MIN_CHARS_HAN and name not in seen:
            seen.add(name)
            yield name


def _marked(view: View, type_: str, pattern: re.Pattern[str]) -> Iterator[str]:
    for mention in view.passage.mentions:
        if mention.type == type_ and pattern.fullmatch(view.text(mention)):
            yield f"{type_} {view.text(mention)}"


def _unused(view: View, type_: str) -> Iterator[str]:
    for entity, mention in view.first.items():
        if mention.type == type_ and entity not in view.used:
            yield view.text(mention)


def _unmarked(view: View, types: frozenset[str]) -> Iterator[str]:
    """Yield names of these types that also stand where nothing is marked."""
    text, marked = view.passage.text, view.marked()
    for name in sorted({view.text(mention) for mention in view.passage.mentions if mention.type in types}):
        pattern = re.escape(name) if _HAN.search(name) else rf"(?<!\w){re.escape(name)}(?!\w)"
        if len(name) < (_MIN_CHARS_HAN if _HAN.search(name) else _MIN_CHARS_LATIN):
            continue
        for found in re.finditer(pattern, text):
            if not any(marked[found.start() : found.end()]):
                around = text[max(0, found.start() - 4) : found.end() + 4]
                yield f"{name} is marked elsewhere, not in {around!r}"
                break


def _before(view: View, mention: Mention) -> str:
    return view.passage.text[max(0, mention.start - _CUE_CHARS) : mention.start]


def _between(view: View, head: int, tail: int) -> str:
    """Return the text between the two mentions of two entities that stand nearest, within one sentence, else ''."""
    spans = [
        (min(one.end, other.end), max(one.start, other.start))
        for one in view.passage.mentions
        for other in view.passage.mentions
        if (one.entity, other.entity) == (head, tail)
    ]
    start, end = min(spans, key=lambda span: span[1] - span[0])
    between = view.passage.text[start:end]
    return "" if re.search("[。；!?！？]|[.;] ", between) else between
