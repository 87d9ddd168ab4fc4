"""Which rules for names go with an entity type: the label is an ontology id, or any word in open mode."""

from functools import lru_cache
from typing import Literal

__all__ = ["Family", "family"]

Family = Literal["person", "organization", "location", "work", "time", "number", "other"]

_LABELS: dict[Family, str] = {
    "person": "per person people character human 人物 人名 人 姓名 角色",
    "organization": (
        "org organization organisation company institution agency court school university 机构 组织 组织机构 公司 企业 "
        "团体 法院 学校 大学"
    ),
    "location": (
        "loc location place gpe city country region building station celestial 地点 地名 地区 地理位置 城市 国家 建筑 "
        "站点 天体"
    ),
    "work": "work statute contract book film song law creativework 作品 书名 法规 合同 法律 文艺作品",
    "time": "time date datetime year 时间 日期 年份",
    "number": "num number quantity money percent percentage cardinal ordinal 数值 数量 金额 百分比",
}


@lru_cache(maxsize=1)
def _families() -> dict[str, Family]:
    return {word: family for family, words in _LABELS.items() for word in words.split()}


@lru_cache(maxsize=1024)
def family(label: str) -> Family:
    """Return the family of a label by its id or its usual names; "other" where it has no rules of its own."""
    return _families().get(label.casefold().replace("_", "").replace(" ", ""), "other")
