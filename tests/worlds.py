"""A generated world: Chinese and English documents whose entities, mentions and triples are all known.

Names come in the spellings that real texts have (case, width, legal forms, traditional characters, abbreviations in
brackets, "Last, First", 北京市 and 北京), next to names that are nearly the same and mean something else: homonyms of
another type, sound-alikes, numbered names. The same seed and index give the same document, whatever was made before.

    for document in World(n_entities=5000, seed=1).documents(10_000): ...
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Literal, TypedDict

from kgbuilder.ids import content_id
from kgbuilder.records import Document, Mention, Triple

N_CHARS = 1500

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A thing of the world. `name` is its full name, `spellings` all that texts call it besides the abbreviation."""

    id: str
    label: str
    name: str
    spellings: tuple[str, ...]
    abbreviation: str = ""
    is_known_by_it: bool = False
    """Whether documents use the abbreviation without explaining it; nothing else has it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldMention:
    """Characters `start` to `end` of the document name the entity with id `entity`."""

    start: int
    end: int
    text: str
    label: str
    entity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldTriple:
    """A stated relation; `head` and `tail` are indexes into the mentions, `start` and `end` its sentence."""

    head: int
    relation: str
    tail: int
    start: int
    end: int


class Answer(TypedDict):
    """What an ideal model says of a text: the entities by name and type, the triples by name."""

    text: str
    entities: list[dict[str, str]]
    triples: list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldDocument:
    """A document of a world with all that it states."""

    index: int
    language: Language
    text: str
    mentions: tuple[GoldMention, ...]
    triples: tuple[GoldTriple, ...]
    sentences: tuple[tuple[int, int], ...]

    @property
    def id(self) -> str:
        """The id that the text has as a `Document`."""
        return content_id("document", self.text)

    def document(self) -> Document:
        """Return the record as it would be read from a file."""
        name = f"world-{self.index:06d}.txt"
        return Document(
            id=self.id, source=name, name=name, text=self.text, media_type="text/plain", language=self.language
        )

    def records(self) -> tuple[tuple[Mention, ...], tuple[Triple, ...]]:
        """Return the mentions and triples as a perfect extraction would ground them."""
        mentions = tuple(_mention(self.id, gold) for gold in self.mentions)
        triples = tuple(
            Triple(
                id=content_id("triple", self.id, mentions[t.head].id, t.relation, mentions[t.tail].id),
                document_id=self.id,
                head=mentions[t.head].id,
                relation=t.relation,
                tail=mentions[t.tail].id,
                score=1.0,
                evidence_start=t.start,
                evidence_end=t.end,
            )
            for t in self.triples
        )
        return mentions, triples

    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the names of each type, each once, in text order."""
        found: dict[str, dict[str, None]] = {}
        for mention in self.mentions:
            found.setdefault(mention.label, {})[mention.text] = None
        return {label: tuple(names) for label, names in found.items()}

    def answers(self) -> Iterator[Answer]:
        """Yield the ideal answer to each sentence that states something."""
        for start, end in self.sentences:
            named = {(m.text, m.label): None for m in self.mentions if start <= m.start < end}
            stated = [t for t in self.triples if start <= t.start < end]
            if named:
                yield Answer(
                    text=self.text[start:end],
                    entities=[{"text": text, "label": label} for text, label in named],
                    triples=[
                        {
                            "head": self.mentions[t.head].text,
                            "relation": t.relation,
                            "tail": self.mentions[t.tail].text,
                        }
                        for t in stated
                    ],
                )


def _mention(document_id: str, gold: GoldMention) -> Mention:
    return Mention(
        id=content_id("mention", document_id, gold.start, gold.end, gold.label),
        document_id=document_id,
        start=gold.start,
        end=gold.end,
        text=gold.text,
        label=gold.label,
        score=1.0,
    )


class World:
    """Documents about at most `n_entities` entities, half of them Chinese; few are named often and many seldom."""

    def __init__(self, n_entities: int = 2000, seed: int = 0) -> None:
        self.seed = seed
        self._n = {label: max(8, int(n_entities * share / 2)) for label, share in _SHARES.items()}
        self._entities: dict[tuple[Language, str, int], Entity] = {}

    def documents(self, n_documents: int) -> Iterator[WorldDocument]:
        """Yield documents 0 to `n_documents` - 1."""
        return map(self.document, range(n_documents))

    def document(self, index: int) -> WorldDocument:
        """Write one document; even ones are Chinese."""
        language: Language = "en" if index % 2 else "zh"
        return _Writer(self, language, Random(f"{self.seed} {index}")).write(index)

    def entity(self, language: Language, label: str, n: int) -> Entity:
        """Return the entity number `n` of its type."""
        key = (language, label, n)
        if key not in self._entities:
            self._entities[key] = _MAKERS[language, label](n)
        return self._entities[key]

    def draw(self, language: Language, label: str, draw: Random) -> Entity:
        """Draw an entity, the first of its type far more often than the last."""
        if label in _VALUES:
            return _VALUES[label](language, draw)
        return self.entity(language, label, int(self._n[label] * draw.random() ** 3))


_SHARES = {"PER": 0.36, "ORG": 0.28, "LOC": 0.12, "WORK": 0.1, "PRODUCT": 0.08, "EVENT": 0.04, "TERM": 0.02}
_HOMONYM_EVERY = 8
"""Among persons, organisations and places one in so many bears the name of one of each other type."""


def _words(text: str) -> list[str]:
    return text.split()


# --- names ------------------------------------------------------------------------------------------------------------

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建文辉力志国云海峰宁波东阳雪梅琳晨宇浩然子轩"
_CORE_1 = "华中天恒金瑞鸿博信泰盛安远宏嘉润汇科凯德诚达锦星海"
_CORE_2 = "阳扬洋星兴新诚成宇羽源元通同康达泰辰创联易锐图景桥"
_KINDS = ("科技", "能源", "医药", "传媒", "物流", "电子", "食品", "置业", "软件", "材料")
_TOWN_1 = "临松青白石云清长平永安新南北大龙金玉凤鹿"
_TOWN_2 = "海江河山岭溪湖泉州陵桥港浦丘原川峡湾塘岛"
_HOMONYM_2 = "康岚樵屿荻澜榆桐檀槐枫柏"
_TRADITIONAL = str.maketrans(
    "张刘陈杨赵黄吴孙马罗郑谢韩冯于萧邓许吕伟静丽强军勇艳杰娟涛华红云东阳国远汇达诚兴图联龙凤岭云湾岛长创业医药传电锐锦责",
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮於蕭鄧許呂偉靜麗強軍勇艷傑娟濤華紅雲東陽國遠匯達誠興圖聯龍鳳嶺雲灣島長創業醫藥傳電銳錦責",
)
_WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F)}
_ZH_TITLES = ("先生", "教授", "博士", "经理")

_FIRST = _words(
    "Ada Ben Clara Dora Elias Flora Gideon Hanna Ines Jonas Karla Lewis Mara Nils Olga Pascal Quentin Rosa Simon Tessa "
    "Ulrich Vera Walter Xenia Yvonne Zeno José René Zoë Aaron"
)
_LAST_1 = _words("Mar Har Bar Car Dun Fen Gar Hol Kel Lan Mor Nor Pel Ral Sel Tor Wal Wes Bran Cran")
_LAST_2 = _words("low row ley den ton sby field worth man ric bury combe gate shaw stead")
_ROOTS = _words(
    "Alder Birch Cedar Delta Ember Falcon Garnet Harbor Indigo Juniper Kestrel Lumen Meridian Nimbus Onyx Pinnacle"
)
_ROOTS_2 = _words("Bay Crest Dale Edge Ford Gate Haven Isle Key Lane Mill Point Ridge Stone Vale Wood")
_EN_KINDS = ("Systems", "Energy", "Foods", "Media", "Motors", "Networks", "Pharma", "Software")
_LONG_1 = _words("Northern Coastal Highland Inland Maritime Alpine Prairie Tropical Lowland Desert")
_LONG_2 = _words("Energy Water Forest Language Railway Bridge Museum Harvest Climate Island")
_LONG_3 = (("Research", "Institute"), ("Trade", "Union"), ("Safety", "Agency"), ("Heritage", "Trust"))
_TOWNS_EN = _words(
    "Ash Black Clear Deep East Fair Green High Iron Kings Little Mill North Oak Port Red South Stone West White"
)
_TOWNS_EN_2 = _words("brook burn cliff creek dale ford ham haven hill marsh moor pool port side water well wick")
_HOMONYM_EN = _words("Brad Cor Dal El Fal Gil Hart Jar Lyn Nev Orm Pren Quill Sten Thorn Ver")


def _homonym(language: Language, label: str, n: int) -> str | None:
    """Return the name that the `n`th entity shares with one of each other type, if it is one of those."""
    if n % _HOMONYM_EVERY != 3:
        return None
    i = n // _HOMONYM_EVERY
    if language == "zh":
        return _take(i, _SURNAMES, _HOMONYM_2)
    return _take(i, _HOMONYM_EN, _LAST_2) + "a"


def _take(n: int, *parts: "str | tuple[str, ...] | list[str]") -> str:
    """Compose the `n`th name, the first part changing fastest; names past the last repeat a part."""
    taken = []
    for part in parts:
        n, digit = divmod(n, len(part))
        taken.append(part[digit])
    while n:
        n, digit = divmod(n - 1, len(parts[0]))
        taken.insert(1, parts[0][digit].lower())
    return "".join(taken)


def _id(language: Language, label: str, n: int) -> str:
    return f"{label}:{language}{n}"


def _person_zh(n: int) -> Entity:
    alone = _homonym("zh", "PER", n)
    name = alone or _take(n, _SURNAMES, _GIVEN, _GIVEN[::-1])
    spellings = (name, name, f"{name[0]} {name[1:]}", name + _ZH_TITLES[n % 4], name.translate(_TRADITIONAL))
    return Entity(id=_id("zh", "PER", n), label="PER", name=name, spellings=spellings)


def _person_en(n: int) -> Entity:
    alone = _homonym("en", "PER", n)
    if alone:
        return Entity(id=_id("en", "PER", n), label="PER", name=alone, spellings=(alone, alone.upper()))
    i, first = divmod(n, len(_FIRST))
    given, last = _FIRST[first], _take(i, _LAST_1, _LAST_2)
    name = f"{given} {last}"
    spellings = (
        name,
        name,
        f"{last}, {given}",
        f"{given} {last.upper()}",
        f"Dr. {name}",
        f"Prof. {name}",
        _plain(name),
    )
    return Entity(id=_id("en", "PER", n), label="PER", name=name, spellings=spellings)


def _plain(name: str) -> str:
    return name.translate(str.maketrans("éë", "ee"))


def _organization_zh(n: int) -> Entity:
    alone = _homonym("zh", "ORG", n)
    if alone:
        spellings = (alone, f"{alone}有限公司", f"{alone}集团")
        return Entity(id=_id("zh", "ORG", n), label="ORG", name=f"{alone}有限公司", spellings=spellings)
    if n % 10 == 3:
        return _numbered_zh(n)
    # Two firms of different towns that call themselves the same for short.
    shares = n % 20 in (4, 5)
    i = n - 1 if n % 20 == 5 else n
    core = _take(i, _CORE_2, _CORE_1, _KINDS)
    name = _take(n * 7, _TOWN_1, _TOWN_2)[:2] + core
    spellings = (
        name,
        f"{name}有限公司",
        f"{name}股份有限公司",
        f"{name}（集团）有限公司",
        f"{name}有限责任公司".translate(_TRADITIONAL),
    )
    return Entity(
        id=_id("zh", "ORG", n),
        label="ORG",
        name=f"{name}有限公司",
        spellings=spellings,
        abbreviation=core,
        is_known_by_it=n < 40 and not shares,
    )


def _numbered_zh(n: int) -> Entity:
    i, number = divmod(n // 10, 3)
    town, kind = _take(i // 2, _TOWN_2, _TOWN_1)[::-1], ("人民医院", "中学")[i % 2]
    name = f"{town}第{'一二三'[number]}{kind}"
    spellings = (name, name, f"{town}第{number + 1}{kind}", name.translate(_TRADITIONAL))
    return Entity(id=_id("zh", "ORG", n), label="ORG", name=name, spellings=spellings)


def _organization_en(n: int) -> Entity:
    alone = _homonym("en", "ORG", n)
    if alone:
        spellings = (f"{alone} Inc.", alone, f"{alone} Corp.")
        return Entity(id=_id("en", "ORG", n), label="ORG", name=f"{alone} Inc.", spellings=spellings)
    if n % 4 == 2:
        return _institute_en(n)
    name = (
        f"{_take(n, _ROOTS)} {_take(n // len(_ROOTS), _ROOTS_2, _EN_KINDS)}"
        if n >= 16
        else f"{_ROOTS[n]} {_EN_KINDS[n % 8]}"
    )
    name = re.sub("(?<=[a-z])(?=[A-Z])", " ", name)
    form = (("Inc.", "Inc", "Incorporated"), ("Ltd.", "Limited", "Co., Ltd."), ("Corp.", "Corporation", "Corp"))[n % 3]
    spellings = (name, *(f"{name} {suffix}" for suffix in form), f"{name.upper()}, {form[0].upper()}", f"The {name}")
    return Entity(id=_id("en", "ORG", n), label="ORG", name=f"{name} {form[0]}", spellings=spellings)


def _institute_en(n: int) -> Entity:
    i = n // 4
    words = (_LONG_1[i % 10], _LONG_2[i // 10 % 10], *_LONG_3[i // 100 % 4])
    if i >= 400:
        words = (_take(i // 400, _ROOTS, _ROOTS_2).capitalize(), *words)
    name = " ".join(words)
    short = "".join(word[0] for word in words)
    spellings = (name, name, f"The {name}", name.upper())
    # Initials of ten by ten words: many institutes share theirs.
    return Entity(
        id=_id("en", "ORG", n),
        label="ORG",
        name=name,
        spellings=spellings,
        abbreviation=short,
    )


def _place_zh(n: int) -> Entity:
    name = _homonym("zh", "LOC", n) or _take(n, _TOWN_2, _TOWN_1)[::-1]
    if n % 3 == 1:
        full = name + ("县", "镇")[n % 2]
        return Entity(id=_id("zh", "LOC", n), label="LOC", name=full, spellings=(full, full.translate(_TRADITIONAL)))
    spellings = (name, f"{name}市", f"{name}市".translate(_TRADITIONAL))
    return Entity(id=_id("zh", "LOC", n), label="LOC", name=f"{name}市", spellings=spellings)


def _place_en(n: int) -> Entity:
    name = _homonym("en", "LOC", n) or _take(n, _TOWNS_EN, _TOWNS_EN_2)
    if n % 5 == 1:
        spellings = (f"Mount {name}", f"Mt. {name}", f"Mt {name}")
        return Entity(id=_id("en", "LOC", n), label="LOC", name=f"Mount {name}", spellings=spellings)
    return Entity(id=_id("en", "LOC", n), label="LOC", name=name, spellings=(name, name, name.upper()))


def _work_zh(n: int) -> Entity:
    name = _take(
        n,
        "春秋夏冬晨暮远近",
        "山水风雨云月花雪",
        _words("之歌 旧事 来信 笔记 年代 故乡"),
        "上下" if n >= 384 else ("",),
    )
    spellings = (name, name, name.translate(_TRADITIONAL))
    return Entity(id=_id("zh", "WORK", n), label="WORK", name=name, spellings=spellings)


def _work_en(n: int) -> Entity:
    name = f"{_ROOTS[n % 16]} {_ROOTS_2[n // 16 % 16]} {('Letters', 'Songs', 'Stories', 'Diaries')[n // 256 % 4]}"
    name += f" {n // 1024 + 1}" if n >= 1024 else ""
    return Entity(id=_id("en", "WORK", n), label="WORK", name=name, spellings=(name, f"The {name}", name.upper()))


def _product_zh(n: int) -> Entity:
    model = f"{'PXMK'[n % 4]}{n // 4 * 10 + 10}"
    brand = ("启明", "飞鸟", "远帆", "晨光")[n // 4 % 4]
    spellings = (brand + model, f"{brand} {model}", brand + model.translate(_WIDE))
    return Entity(id=_id("zh", "PRODUCT", n), label="PRODUCT", name=brand + model, spellings=spellings)


def _product_en(n: int) -> Entity:
    name = f"{_ROOTS[n % 16]} {'PXMK'[n // 16 % 4]}{n // 64 * 10 + 10}"
    spellings = (name, name.upper(), name.replace(" ", "-"))
    return Entity(id=_id("en", "PRODUCT", n), label="PRODUCT", name=name, spellings=spellings)


def _event_zh(n: int) -> Entity:
    name = f"第{'一二三四五六七八九'[n % 9]}届{_take(n // 9, _TOWN_1, _TOWN_2)}博览会"
    return Entity(id=_id("zh", "EVENT", n), label="EVENT", name=name, spellings=(name, name.translate(_TRADITIONAL)))


def _event_en(n: int) -> Entity:
    name = f"{_take(n // 9, _TOWNS_EN, _TOWNS_EN_2)} Forum {2010 + n % 9}"
    return Entity(id=_id("en", "EVENT", n), label="EVENT", name=name, spellings=(name, name.upper()))


_TERMS_ZH = _words("工程师 作家 教师 医生 画家 记者 律师 翻译 编剧 摄影师 会计师 建筑师")
_TERMS_EN = _words(
    "engineer novelist teacher surgeon painter reporter lawyer translator screenwriter photographer geologist"
)


def _term_zh(n: int) -> Entity:
    name = ("", "资深", "青年", "首席")[n // 12 % 4] + _TERMS_ZH[n % 12] + (str(n // 48 + 1) if n >= 48 else "")
    return Entity(id=_id("zh", "TERM", n), label="TERM", name=name, spellings=(name,))


def _term_en(n: int) -> Entity:
    name = ("", "chief ", "marine ", "civil ")[n // 11 % 4] + _TERMS_EN[n % 11] + (f" {n // 44 + 1}" if n >= 44 else "")
    return Entity(id=_id("en", "TERM", n), label="TERM", name=name, spellings=(name, name.capitalize()))


_MAKERS: Mapping[tuple[Language, str], Callable[[int], Entity]] = {
    ("zh", "PER"): _person_zh,
    ("en", "PER"): _person_en,
    ("zh", "ORG"): _organization_zh,
    ("en", "ORG"): _organization_en,
    ("zh", "LOC"): _place_zh,
    ("en", "LOC"): _place_en,
    ("zh", "WORK"): _work_zh,
    ("en", "WORK"): _work_en,
    ("zh", "PRODUCT"): _product_zh,
    ("en", "PRODUCT"): _product_en,
    ("zh", "EVENT"): _event_zh,
    ("en", "EVENT"): _event_en,
    ("zh", "TERM"): _term_zh,
    ("en", "TERM"): _term_en,
}

# --- values -----------------------------------------------------------------------------------------------------------

_MONTHS = _words("January February March April May June July August September October November December")
_HAN_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")


def _date(language: Language, draw: Random) -> Entity:
    year, month, day = draw.randrange(1950, 2025), draw.randrange(1, 13), draw.randrange(1, 29)
    iso = f"{year}-{month:02d}-{day:02d}"
    if language == "zh":
        full = f"{year}年{month}月{day}日"
        years = f"{year}".translate(_HAN_DIGITS)
        spellings = {
            iso: (full, full, full.translate(_WIDE_DIGITS), iso, f"{years}年{_han(month)}月{_han(day)}日"),
            iso[:7]: (f"{year}年{month}月", f"{years}年{_han(month)}月"),
            iso[:4]: (f"{year}年", f"{years}年"),
        }
    else:
        name = _MONTHS[month - 1]
        spellings = {
            iso: (f"{day} {name} {year}", f"{name} {day}, {year}", f"{name[:3]}. {day}, {year}", iso),
            iso[:7]: (f"{name} {year}", f"{name[:3]} {year}"),
            iso[:4]: (f"{year}",),
        }
    value = draw.choice((iso, iso, iso[:7], iso[:4]))
    return Entity(id=f"TIME:{value}", label="TIME", name=value, spellings=spellings[value])


_WIDE_DIGITS = {c: c + 0xFEE0 for c in range(0x30, 0x3A)}


def _han(n: int) -> str:
    tens, ones = divmod(n, 10)
    return ("" if not tens else "十" if tens == 1 else f"{'一二三'[tens - 1]}十") + (
        "一二三四五六七八九"[ones - 1] if ones else ""
    )


def _money(language: Language, draw: Random) -> Entity:
    tenths = draw.randrange(10, 1000)
    if language == "zh":
        yuan = f"{tenths / 10:g}亿元"
        spellings = (yuan, f"{yuan}人民币", f"人民币{yuan}", f"{tenths * 1000}万元", f"{tenths * 1000:,}万元")
        return Entity(id=f"NUM:{tenths * 10**7} CNY", label="NUM", name=yuan, spellings=spellings)
    dollars = f"${tenths / 10:g} billion"
    spellings = (dollars, f"US{dollars}", f"USD {tenths / 10:g} billion", f"${tenths * 100:,} million")
    return Entity(id=f"NUM:{tenths * 10**8} USD", label="NUM", name=dollars, spellings=spellings)


def _staff(language: Language, draw: Random) -> Entity:
    n = draw.randrange(12, 9000)
    spellings = (f"{n}人", f"{n:,}人", f"{n}名员工") if language == "zh" else (f"{n} employees", f"{n:,} people")
    return Entity(id=f"NUM:{n} person", label="NUM", name=spellings[0], spellings=spellings)


_VALUES: Mapping[str, Callable[[Language, Random], Entity]] = {"TIME": _date, "MONEY": _money, "STAFF": _staff}

# --- sentences --------------------------------------------------------------------------------------------------------

_ZH = (
    ("{o:ORG}由{p:PER}于{t:TIME}创立，总部设在{l:LOC}。", "o founded_by p, o inception t, o headquarters l"),
    ("{p:PER}{t:TIME}出生于{l:LOC}，后来成为一名{j:TERM}。", "p date_of_birth t, p place_of_birth l, p occupation j"),
    ("据介绍，{o:ORG}去年的营业收入为{m:MONEY}，在册员工{s:STAFF}。", "o revenue m, o employees s"),
    ("{t:TIME}，{a:ORG}宣布收购{b:ORG}，双方没有透露更多细节。", "a acquired b"),
    ("{a:ORG}与{b:ORG}签署了长期合作协议。", "a partner_of b"),
    ("{d:PRODUCT}是{o:ORG}开发的新一代产品，{t:TIME}上市。", "d made_by o, d publication_date t"),
    ("《{w:WORK}》的作者是{p:PER}，该书于{t:TIME}出版。", "w author p, w publication_date t"),
    ("{e:EVENT}于{t:TIME}在{l:LOC}开幕，由{o:ORG}主办。", "e event_time t, e located_in l, e organizer o"),
    ("{p:PER}目前在{o:ORG}工作，家住{l:LOC}。", "p employer o, p residence l"),
    ("{p:PER}与{q:PER}结婚多年，两人都在{l:LOC}长大。", "p spouse q"),
    ("{p:PER}师从{q:PER}，两人曾一起写作《{w:WORK}》。", "p student_of q, w author p, w author q"),
    ("{a:ORG}向{b:ORG}投资{m:MONEY}。", "a invested_in b"),
    ("{a:LOC}位于{b:LOC}境内。", "a located_in b"),
    ("{o:ORG}的负责人{p:PER}出席了{e:EVENT}。", "o led_by p, p participant_in e"),
)
_EN = (
    (
        "{o:ORG} was founded by {p:PER} in {t:YEAR} and has its head office in {l:LOC}. ",
        "o founded_by p, o inception t, o headquarters l",
    ),
    ("{p:PER}, a {j:TERM} by training, was born in {l:LOC}. ", "p occupation j, p place_of_birth l"),
    ("Last year the revenue of {o:ORG} came to {m:MONEY}; it has {s:STAFF}. ", "o revenue m, o employees s"),
    ("After long talks {a:ORG} bought {b:ORG} for an undisclosed sum. ", "a acquired b"),
    ("There is a lasting partnership between {a:ORG} and {b:ORG}. ", "a partner_of b"),
    (
        "The maker of the {d:PRODUCT} is {o:ORG}, and it went on sale on the date of {t:TIME}. ",
        "d made_by o, d publication_date t",
    ),
    ('"{w:WORK}" was written by {p:PER} and came out in {t:YEAR}. ', "w author p, w publication_date t"),
    ("The opening of the {e:EVENT} took place in {l:LOC} and the host was {o:ORG}. ", "e located_in l, e organizer o"),
    ("At present {p:PER} works for {o:ORG} and lives in {l:LOC}. ", "p employer o, p residence l"),
    ("For many years {p:PER} has been married to {q:PER}. ", "p spouse q"),
    (
        "The teacher of {p:PER} was {q:PER}, with whom the book called {w:WORK} was written. ",
        "p student_of q, w author p, w author q",
    ),
    ("A stake in {b:ORG} was taken by {a:ORG} for {m:MONEY}. ", "a invested_in b"),
    ("The road to {a:LOC} leads through {b:LOC}, to which it belongs. ", "a located_in b"),
    ("The head of {o:ORG} is {p:PER}, who spoke at the {e:EVENT}. ", "o led_by p, p participant_in e"),
)
_FILLERS_ZH = (
    "记者了解到，这件事的经过并不复杂，当事各方的说法大体一致。",
    "此后几年，情况慢慢有了变化，不过当时很少有人注意到这一点。",
    "有人认为这样做太慢，也有人说慢一点反而更稳妥。",
    "那天下着小雨，门口站满了等消息的人，直到傍晚才渐渐散去。\n",
    "相关的材料后来整理成册，保存至今，可以公开查阅。\n\n",
    "外界对此有过不少猜测，但都没有得到证实，时间一长也就没有人再提起了。",
    "从现在的眼光来看，当时的条件十分简陋，连像样的桌椅都凑不齐。",
    "谁先提出这个想法，如今已经说不清楚了。\n",
)
_FILLERS_EN = (
    "What came next was less simple than it looked from outside, and few people took any notice of it. ",
    "Some held that this was too slow; others answered that slow was safe, and both were right in their way. ",
    "It rained that day, and the crowd at the door went home only when it was dark.\n",
    "The papers were put in order later and can be read by anyone who asks for them.\n\n",
    "Nobody could say afterwards who had first had the idea. ",
    "There were guesses enough, but none of them was ever borne out, and in time the talk died down. ",
    "Seen from today the means were poor: there were not even chairs for all who came. ",
    "What was promised was kept, if later than many had hoped.\n",
)
_SLOT = re.compile(r"\{(\w):(\w+)\}")


@dataclass(frozen=True, slots=True)
class _Template:
    """A sentence as text and slots in turn, with the relations between slots."""

    texts: tuple[str, ...]
    slots: tuple[tuple[str, str], ...]
    triples: tuple[tuple[str, str, str], ...]


@lru_cache(maxsize=2)
def _templates(language: Language) -> tuple[_Template, ...]:
    made = []
    for text, stated in _ZH if language == "zh" else _EN:
        pieces = _SLOT.split(text)
        slots = tuple(zip(pieces[1::3], pieces[2::3], strict=True))
        triples = tuple(tuple(triple.split()) for triple in stated.split(","))
        made.append(_Template(tuple(pieces[::3]), slots, triples))  # type: ignore[arg-type]
    return tuple(made)


@dataclass(slots=True)
class _Writer:
    """One document while it is written."""

    world: World
    language: Language
    draw: Random
    text: str = ""
    mentions: list[GoldMention] = field(default_factory=list)
    triples: list[GoldTriple] = field(default_factory=list)
    sentences: list[tuple[int, int]] = field(default_factory=list)
    declared: dict[str, bool] = field(default_factory=dict)
    cast: dict[str, list[Entity]] = field(default_factory=dict)

    def write(self, index: int) -> WorldDocument:
        """Write sentences, some of them about nothing, up to the length of a document."""
        for label, n in (("PER", 5), ("ORG", 4), ("LOC", 4), ("WORK", 2), ("PRODUCT", 2), ("EVENT", 2), ("TERM", 2)):
            self.cast[label] = [self.world.draw(self.language, label, self.draw) for _ in range(n)]
        fillers = _FILLERS_ZH if self.language == "zh" else _FILLERS_EN
        while len(self.text) < N_CHARS - 60:
            self._sentence(self.draw.choice(_templates(self.language)))
            for _ in range(self.draw.randrange(1, 4)):
                self.text += self.draw.choice(fillers)
        return WorldDocument(
            index=index,
            language=self.language,
            text=self.text,
            mentions=tuple(self.mentions),
            triples=tuple(self.triples),
            sentences=tuple(self.sentences),
        )

    def _sentence(self, template: _Template) -> None:
        start = len(self.text)
        filled: dict[str, int] = {}
        used: set[str] = set()
        for text, (slot, label) in zip(template.texts, template.slots, strict=False):
            self.text += text
            entity = self._pick(label, used)
            used.add(entity.id)
            filled[slot] = len(self.mentions)
            self._name(entity)
        self.text += template.texts[-1]
        end = start + len(self.text[start:].rstrip())
        self.sentences.append((start, end))
        for head, relation, tail in template.triples:
            self.triples.append(
                GoldTriple(head=filled[head], relation=relation, tail=filled[tail], start=start, end=end)
            )

    def _pick(self, label: str, used: set[str]) -> Entity:
        if label == "YEAR":
            entity = _date(self.language, self.draw)
            return entity if len(entity.name) == 4 else self._pick(label, used)
        if label not in self.cast:
            return self.world.draw(self.language, label, self.draw)
        free = [entity for entity in self.cast[label] if entity.id not in used]
        # The second of two draws may be the first again: then some other entity of the world stands in.
        return self.draw.choice(free) if free else self.world.entity(self.language, label, len(self.text) % 8)

    def _name(self, entity: Entity) -> None:
        if not entity.abbreviation:
            self._write(entity, self.draw.choice(entity.spellings))
        elif entity.id in self.declared:
            short = self.declared[entity.id] and self.draw.random() < 0.5
            self._write(entity, entity.abbreviation if short else self.draw.choice(entity.spellings))
        else:
            self._introduce(entity)

    def _introduce(self, entity: Entity) -> None:
        """Name an entity for the first time, perhaps with its abbreviation, which means one thing in a document."""
        taken = any(e.abbreviation == entity.abbreviation for e in self.cast["ORG"] if e.id in self.declared)
        kind = 1.0 if taken else self.draw.random()
        self.declared[entity.id] = kind < 0.7
        full = self.draw.choice(entity.spellings)
        if kind < 0.15:
            brackets = f"（{entity.abbreviation}）" if self.language == "zh" else f" ({entity.abbreviation})"
            self._write(entity, full + brackets)
        elif kind < 0.7:
            opening, closing = self._brackets()
            self._write(entity, full)
            self.text += opening
            self._write(entity, entity.abbreviation)
            self.text += closing
        elif kind < 0.8 and entity.is_known_by_it:
            self._write(entity, entity.abbreviation)
        else:
            self._write(entity, full)

    def _brackets(self) -> tuple[str, str]:
        if self.language == "en":
            return self.draw.choice(((" (", ")"), (' (the "', '")'), (" (hereinafter ", ")")))
        return self.draw.choice((("（", "）"), ("（简称“", "”）"), ("（以下简称“", "”）")))

    def _write(self, entity: Entity, name: str) -> None:
        start = len(self.text)
        self.text += name
        self.mentions.append(
            GoldMention(start=start, end=len(self.text), text=name, label=entity.label, entity=entity.id)
        )
