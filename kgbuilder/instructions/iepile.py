"""The instruction format of IEPile: a JSON object of instruction, schema and input, answered by schema name.

Source: zjunlp/IEPile (arXiv 2402.14710) for the wording and the spacing of its JSON; OneKE for the `example` key.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

__all__ = ["ARGUMENT_KEYS", "CORPUS_ARGUMENT_KEYS", "INSTRUCTIONS", "entity_answer", "prompt", "relation_answer"]

INSTRUCTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("NER", "zh"): (
        "你是专门进行实体抽取的专家。请从input中抽取出符合schema定义的实体，不存在的实体类型返回空列表。"
        "请按照JSON字符串的格式回答。"
    ),
    ("RE", "zh"): (
        "你是专门进行关系抽取的专家。请从input中抽取出符合schema定义的关系三元组，不存在的关系返回空列表。"
        "请按照JSON字符串的格式回答。"
    ),
    ("NER", "en"): (
        "You are an expert in named entity recognition. Please extract entities that match the schema definition from "
        "the input. Return an empty list if the entity type does not exist. Please respond in the format of a JSON "
        "string."
    ),
    ("RE", "en"): (
        "You are an expert in relationship extraction. Please extract relationship triples that match the schema "
        "definition from the input. Return an empty list for relationships that do not exist. Please respond in the "
        "format of a JSON string."
    ),
}
WITH_EXAMPLES: Final[Mapping[str, str]] = {
    "zh": "你可以参考example进行抽取。",
    "en": " You can refer to the example for extraction.",
}

ARGUMENT_KEYS: Final = ("head", "tail")
"""What the published converter writes."""
CORPUS_ARGUMENT_KEYS: Final = ("subject", "object")
"""What the published corpus has, and the only keys that its scorer reads."""


def prompt(task: str, language: str, schema: tuple[str, ...], examples: Sequence[tuple[str, object]], text: str) -> str:
    """Return the prompt; `examples` are texts with their answers as values."""
    if not examples:
        return f"{_opening(task, language, schema)}{dumps(text)}}}"
    shown = [{"input": example, "output": answer} for example, answer in examples]
    instruction = INSTRUCTIONS[task, language] + WITH_EXAMPLES[language]
    return dumps({"instruction": instruction, "schema": schema, "example": shown, "input": text})


@lru_cache(maxsize=1024)
def _opening(task: str, language: str, schema: tuple[str, ...]) -> str:
    return dumps({"instruction": INSTRUCTIONS[task, language], "schema": schema})[:-1] + ', "input": '


def entity_answer(schema: Sequence[str], entities: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the answer to an NER prompt: for each name of `schema` the entities, given as (type, name)."""
    answer: dict[str, list[str]] = {name: [] for name in schema}
    for type_, name in dict.fromkeys(entities):
        if type_ in answer:
            answer[type_].append(name)
    return answer


def relation_answer(
    schema: Sequence[str], triples: Sequence[tuple[str, str, str]], keys: tuple[str, str] = ARGUMENT_KEYS
) -> dict[str, list[dict[str, str]]]:
    """Return the answer to an RE prompt: for each name of `schema` the triples, given as (head, relation, tail)."""
    answer: dict[str, list[dict[str, str]]] = {name: [] for name in schema}
    for head, relation, tail in dict.fromkeys(triples):
        if relation in answer:
            answer[relation].append({keys[0]: head, keys[1]: tail})
    return answer


def dumps(value: object) -> str:
    """Write JSON as the published files have it: one space behind commas and colons, no escapes but the needed."""
    return json.dumps(value, ensure_ascii=False)
