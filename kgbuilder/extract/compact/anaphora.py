"""Words that stand for a name: 他, 该公司, it, the company. A model that marks names only marks them by mistake."""

import re
from dataclasses import dataclass
from typing import Final

from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.lexicon import words_of

__all__ = ["Anaphor", "read_anaphor"]

_PRONOUNS: Final = {
    **dict.fromkeys(words_of("he him his himself 他 他自己"), "male"),
    **dict.fromkeys(words_of("she her hers herself 她 她自己"), "female"),
    **dict.fromkeys(words_of("it its itself this that which who whom whose 它 其 此 自己 自身 本人 此人 该人"), ""),
    **dict.fromkeys(words_of("前者 后者 这里 那里 当地 本地 该地 此地"), ""),
}
_PLURALS = frozenset(
    words_of(
        "they them their theirs themselves we us our ours you your i me my these those both "
        "他们 她们 它们 我们 你们 咱们 双方 两者 二者 二人 两人 我 你 您 我方 对方 大家"
    )
)

_HAN_NOUNS: Final = {
    "company": "公司|集团公司|集团|企业|厂商|厂家|工厂|车企|药企|厂|店|司",
    "school": "大学|学院|学校|中学|小学|高校|院校|校",
    "hospital": "医院",
    "bank": "银行|行",
    "body": "机构|组织|单位|协会|学会|基金会|研究院|研究所|俱乐部|球队|乐队|部门|媒体|平台|院|所|会|队|党|社|局|部",
    "place": "城市|国家|地区|省份|城镇|县城|市|省|县|区|镇|乡|村|国|州|岛|地",
    "work": "影片|电影|小说|歌曲|专辑|作品|剧集|电视剧|书籍|图书|诗集|文章|论文|杂志|法律|条例|书|片|剧|歌|文|法",
    "event": "活动|会议|赛事|比赛|大会|展会|战役|战争|事故|案件|案",
    "product": "产品|药物|药品|手机|车型|型号|系统|软件|设备|药|车|机",
    "person": "男子|女子|先生|女士|作者|作家",
}
_LATIN_NOUNS: Final = {
    "company": "company|firm|group|corporation|business|manufacturer|startup|start-up|enterprise|airline|retailer",
    "school": "university|school|college|academy",
    "hospital": "hospital|clinic",
    "bank": "bank|lender",
    "body": "institute|institution|agency|organization|organisation|club|team|band|party|foundation|association|"
    "committee|court|ministry|department|museum|society|partnership|union|council|charity",
    "place": "city|town|village|country|nation|state|province|county|region|island|district|capital|area",
    "work": "book|novel|film|movie|album|song|series|play|poem|painting|law|act|article|show",
    "event": "event|conference|tournament|match|war|battle|festival|meeting|race|case",
    "product": "product|drug|device|vehicle|car|phone|system|software|model|medicine|vaccine|machine",
    "person": "man|woman|author|writer|artist",
}
_DETERMINED = re.compile(
    f"(?:该|此|本|这家|那家|这所|那所|这座|那座|这个|那个|这部|这本|这款|这种|这场|上述|前述|贵|我)"
    f"(?:{'|'.join(f'(?P<{kind}>{nouns})' for kind, nouns in _HAN_NOUNS.items())})"
)
_HAN_BARE = re.compile("|".join(f"(?P<{kind}>{nouns})" for kind, nouns in _HAN_NOUNS.items()))
_RELATED = re.compile(
    r"(?:其|他的|她的|它的|他|她)?(?:母公司|子公司|分公司|总公司|总部|妻子|丈夫|父亲|母亲|儿子|女儿|竞争对手|前身)"
)
_LATIN = re.compile(
    r"(?:(?P<det>the|this|that|said|an?|its|their|his|her|our|my|your)\s+)?(?:[a-z][a-z-]*\s+){0,2}?"
    rf"(?:{'|'.join(f'(?P<{kind}>(?:{nouns})s?)' for kind, nouns in _LATIN_NOUNS.items())})"
)
_SAID = frozenset(("the", "this", "that", "said"))

_IS_SCHOOL = re.compile(
    r"(?:大学|学院|学校|中学|小学|幼儿园|校)$|\b(?:university|college|school|academy|institute)\b", re.I
)
_IS_HOSPITAL = re.compile(r"(?:医院|卫生院|诊所)$|\b(?:hospital|clinic)\b", re.I)
_IS_BANK = re.compile(r"(?:银行|[分支]行|行)$|\bbank", re.I)
_IS_OFFICE = re.compile(
    r"(?:法院|检察院|政府|公安局|委员会|[党局厅署部])$|\b(?:court|ministry|government|department|party)\b", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anaphor:
    """What a text that is no name stands for: `kind` of thing if it says so, `gender` of a person if it says so.

    `is_one` is False where no single name before it can be meant: plurals, another thing ("its parent company").
    """

    kind: str = ""
    gender: str = ""
    is_one: bool = True

    def may_mean(self, name: str) -> bool:
        """Say whether a thing of this name may be meant."""
        if self.kind == "school":
            return _IS_SCHOOL.search(name) is not None
        if self.kind == "hospital":
            return _IS_HOSPITAL.search(name) is not None
        if self.kind == "bank":
            return _IS_BANK.search(name) is not None
        if self.kind == "company":
            return not any(other.search(name) for other in (_IS_SCHOOL, _IS_HOSPITAL, _IS_OFFICE))
        return True


_NO_ONE = Anaphor(is_one=False)
_FAMILIES: Final[dict[Family, frozenset[str]]] = {
    "organization": frozenset(("company", "school", "hospital", "bank", "body")),
    "person": frozenset(("person",)),
    "location": frozenset(("place",)),
}
_THINGS = frozenset(("work", "event", "product"))
_MAX_CHARS = 40


def read_anaphor(text: str, type_: str) -> Anaphor | None:
    """Return what the text of a mention of a type stands for; None for a name, or a word that is what it says.

    A bare noun counts where it cannot be what the type is about (公司 as an organisation); for the types of things that
    have no name of their own (a genre, an occupation) only one with a determiner does.
    """
    if len(text) > _MAX_CHARS or (kind := family(type_)) in ("time", "number"):
        return None
    word = text.strip().lower()
    # WHO and US are names; so is It as the title of a book.
    is_spelled = word == text.strip() or not (kind == "work" or (len(word) > 1 and text.isupper()))
    if is_spelled and word in _PLURALS:
        return _NO_ONE
    if is_spelled and word in _PRONOUNS:
        return Anaphor(gender=_PRONOUNS[word])
    if _RELATED.fullmatch(word):
        return _NO_ONE
    if found := _DETERMINED.fullmatch(word):
        return _of_kind(found.lastgroup, kind)
    if kind in _FAMILIES and len(word) > 1 and (found := _HAN_BARE.fullmatch(word)):
        # 公司 is mostly the one spoken of, 作者 and 城市 are not.
        return _of_kind(found.lastgroup, kind) if kind == "organization" else _NO_ONE
    return _latin(text, kind)


def _of_kind(noun: str | None, kind: Family) -> "Anaphor":
    return Anaphor(kind=noun) if noun in _FAMILIES.get(kind, _THINGS) else _NO_ONE


def _latin(text: str, kind: Family) -> Anaphor | None:
    """Read "the company", "its parent company": the noun in small letters, or with a capital as in a contract."""
    words = text.split()
    found = _LATIN.fullmatch(" ".join(words).lower())
    if not found or any(word[0].isupper() for word in words[1:-1]):
        return None
    determiner, noun = found["det"], found[found.lastgroup or ""]
    if words[-1][0].isupper() and (determiner not in _SAID or len(words) > 2):
        return None
    if determiner is None:
        return _NO_ONE if kind in _FAMILIES else None
    is_plural = noun.endswith("s") and not noun.endswith(("ss", "series"))
    return _NO_ONE if determiner not in _SAID or is_plural else _of_kind(found.lastgroup, kind)
