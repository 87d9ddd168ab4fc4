"""The words by which replies say what a value is: models agree on JSON, not on its keys."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from graph_schema import fold

__all__ = [
    "ABSENT",
    "ECHOES",
    "EMPTY_REPLIES",
    "ENTITY_WRAPPERS",
    "RELATION_WRAPPERS",
    "WRAPPERS",
    "is_absent",
    "names_in",
    "roles_in",
    "word_of",
]

EMPTY_REPLIES: Final = frozenset({"nan", "none", "null", "无", "没有", "空"})
ENTITY_WRAPPERS: Final = frozenset(
    {"entities", "entity", "entity_list", "mentions", "named_entities", "ner", "nodes"}
    | {"实体", "实体列表", "命名实体", "实体识别"}
)
RELATION_WRAPPERS: Final = frozenset(
    {"relations", "relation", "relation_list", "relationships", "triples", "triple", "triplets", "edges", "facts"}
    | {"spo_list", "spo", "re", "关系", "关系列表", "三元组", "关系三元组", "关系抽取"}
)
WRAPPERS: Final = frozenset(
    {"answer", "answers", "content", "data", "extraction", "extractions", "items", "json", "output", "outputs"}
    | {"reply", "response", "result", "results", "结果", "输出", "答案", "抽取结果"}
)
ECHOES: Final = frozenset(
    {"instruction", "schema", "input", "example", "examples", "task", "text", "language", "输入", "文本", "指令"}
)
"""Keys of the prompt, which some models repeat before they answer."""

_KEYS: Final = {
    "name": (
        {"name", "entity", "text", "span", "mention", "word", "value", "entity_name", "entity_text", "@value"}
        | {"名称", "实体", "实体名称", "实体名", "词"}
    ),
    "type": (
        {"type", "entity_type", "entity_label", "label", "category", "class", "ner_type"}
        | {"类型", "实体类型", "类别", "标签"}
    ),
    "head": (
        {"head", "head_entity", "head_name", "h", "subject", "subj", "s", "subject_entity", "source", "src", "from"}
        | {"entity1", "arg1", "头", "头实体", "主体", "主语", "实体1"}
    ),
    "tail": (
        {"tail", "tail_entity", "tail_name", "t", "object", "obj", "o", "object_entity", "target", "dst", "to"}
        | {"entity2", "arg2", "尾", "尾实体", "客体", "宾语", "实体2"}
    ),
    "relation": (
        {"relation", "rel", "r", "relation_type", "relation_name", "relationship", "predicate", "predicate_name", "p"}
        | {"edge", "关系", "关系类型", "谓词", "谓语"}
    ),
    "head_type": {"head_type", "head_label", "subject_type", "source_type", "头实体类型", "主体类型", "头类型"},
    "tail_type": {"tail_type", "tail_label", "object_type", "target_type", "尾实体类型", "客体类型", "尾类型"},
}
_ROLES: Final = {key: role for role, keys in _KEYS.items() for key in keys}

ABSENT: Final = frozenset({"", "NAN"})
_MAX_WORD_CHARS: Final = 40


def word_of(key: str) -> str:
    """Return the form in which a key is compared with the words of this module: entityType is entity_type."""
    return _word_of(key) if len(key) <= _MAX_WORD_CHARS else key


@lru_cache(maxsize=4096)
def _word_of(key: str) -> str:
    return fold(key).replace(" ", "_")


def roles_in(value: dict[str, object]) -> dict[str, object]:
    """Return the values whose keys say what they are, by role; of two keys that say the same the first counts."""
    roles: dict[str, object] = {}
    for key, child in value.items():
        role = _ROLES.get(key) or _ROLES.get(word_of(key))
        if role is not None:
            roles.setdefault(role, child)
    return roles


def is_absent(value: object) -> bool:
    """Say whether a value stands for nothing: null, "" or the NAN that IEPile's wording asks for."""
    return value is None or (isinstance(value, str) and value in ABSENT)


def names_in(value: object) -> Iterator[str]:
    """Yield the names in a value: a name, an object with a name, or a list of such."""
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, list):
                yield from names_in(item)
        return
    name = roles_in(value).get("name") if isinstance(value, dict) else value
    if isinstance(name, str) and not is_absent(name):
        yield name
