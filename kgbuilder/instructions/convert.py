"""Annotated records in the form of IEPile to the instructions a model is trained or tested on.

Source: zjunlp/IEPile (arXiv 2402.14710): what stands in a record, the split, and the negatives.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from kgbuilder.errors import ParseError
from kgbuilder.ids import sha256_text
from kgbuilder.instructions import iepile
from kgbuilder.instructions.schema import split

__all__ = ["Conversion", "InstructionRecord", "Shuffler", "read_schema", "records_to_instructions"]

InstructionRecord = dict[str, str]
"""train: task, source, instruction, output; test: id, instruction, and label where the record is annotated."""

SPLIT_NUM: Final[Mapping[str, int]] = {"NER": 6, "RE": 4}
"""How many names a prompt asks for. Source: IEPile (arXiv 2402.14710)."""

_KEYS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "NER": ("entity", ("entity", "entity_type")),
    "RE": ("relation", ("head", "relation", "tail")),
}
_SCHEMA_LINES: Final = {"NER": 0, "RE": 1}


class Shuffler(Protocol):
    """A seeded `random.Random`: what is written here must not depend on chance that the caller does not control."""

    def sample(self, population: Sequence[str], k: int) -> list[str]:
        """Return `k` of `population` in random order."""

    def shuffle(self, x: MutableSequence[str]) -> None:
        """Bring `x` into random order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What to make of annotated records.

    `schema` are the names to ask for, `split_num` how many in one prompt (None: 6 or 4 as the task has it; -1: all),
    `source` the name of the data, and `keys` name head and tail in an RE answer.
    """

    task: Literal["NER", "RE"]
    schema: tuple[str, ...]
    language: str = "zh"
    split_num: int | None = None
    source: str = ""
    keys: tuple[str, str] = iepile.ARGUMENT_KEYS


def records_to_instructions(
    records: Iterable[Mapping[str, object]],
    conversion: Conversion,
    *,
    variant: Literal["train", "test"] = "train",
    random_sort: Shuffler | None = None,
) -> Iterator[InstructionRecord]:
    """Yield one instruction for each group of names and each record, in order.

    A record is {"text", "entity": [{"entity", "entity_type"}]} or {"text", "relation": [{"head", "relation",
    "tail"}]}. For training the names are sorted, or shuffled by `random_sort`, a seeded `random.Random`; for testing
    they come in the order of the schema.

    Raises:
        ParseError: a record does not have that form; it says which, from 1.
    """
    for number, record in enumerate(records, start=1):
        text, labels = _checked(record, conversion.task, number)
        names = conversion.schema if variant == "test" else _training_order(conversion, labels or [], random_sort)
        for group in _groups(names, conversion):
            language = "zh" if conversion.language == "zh" else "en"
            prompt = iepile.prompt(conversion.task, language, group, (), text)
            if variant == "test":
                yield _test_record(prompt, text, labels)
            else:
                yield _training_record(prompt, group, labels or [], conversion)


def read_schema(text: str, task: Literal["NER", "RE"]) -> tuple[str, ...]:
    """Return the names for `task` from the text of a schema.json: a line each of types, of relations, and of both.

    Raises:
        ParseError: the text has another form.
    """
    lines = text.splitlines()
    try:
        names = json.loads(lines[_SCHEMA_LINES[task]])
    except (IndexError, ValueError) as error:
        remedy = "write three lines of JSON: the entity types, the relations, and an object"
        raise ParseError("the schema cannot be read", remedy=remedy) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ParseError(f"line {_SCHEMA_LINES[task] + 1} of the schema is not a list of names")
    return tuple(dict.fromkeys(names))


def _checked(record: Mapping[str, object], task: str, number: int) -> tuple[str, list[dict[str, str]] | None]:
    """Return the text of a record and its labels, each once; None where it is not annotated."""
    field, needed = _KEYS[task]
    where = f"record {number}"
    if not isinstance(record, Mapping) or not isinstance(text := record.get("text"), str):
        raise ParseError(
            "the record has no text", where=where, remedy='give {"text": ..., "entity" or "relation": [...]}'
        )
    labels = record.get(field)
    if labels is None:
        return text, None
    if not isinstance(labels, list):
        raise ParseError(f"{field!r} is not a list", where=where)
    distinct: dict[tuple[str, ...], dict[str, str]] = {}
    for label in labels:
        if not isinstance(label, dict) or not all(isinstance(label.get(key), str) for key in needed):
            what = f"an entry of {field!r} lacks one of {', '.join(needed)}, or it is not text"
            raise ParseError(what, where=where, remedy="see the sample records of IEPile")
        distinct.setdefault(tuple(label[key] for key in needed), label)
    return text, list(distinct.values())


def _groups(names: Sequence[str], conversion: Conversion) -> tuple[tuple[str, ...], ...]:
    size = SPLIT_NUM[conversion.task] if conversion.split_num is None else conversion.split_num
    return split(names, size if size > 0 else max(1, len(names)))


def _training_order(
    conversion: Conversion, labels: Sequence[Mapping[str, str]], shuffler: Shuffler | None
) -> tuple[str, ...]:
    """Return the names to ask for: those that have an answer, and all others of the schema as negatives."""
    key = "entity_type" if conversion.task == "NER" else "relation"
    positive = list(dict.fromkeys(label[key] for label in labels))
    negative = [name for name in dict.fromkeys(conversion.schema) if name not in positive]
    if shuffler is None:
        return tuple(sorted(negative + positive))
    # Sampled, then shuffled with the rest: so a seed gives the order that it gives in the published converter.
    names = shuffler.sample(negative, len(negative)) + positive
    shuffler.shuffle(names)
    return tuple(names)


def _training_record(
    prompt: str, group: Sequence[str], labels: Sequence[Mapping[str, str]], conversion: Conversion
) -> InstructionRecord:
    if conversion.task == "NER":
        answer: object = iepile.entity_answer(group, [(label["entity_type"], label["entity"]) for label in labels])
    else:
        triples = [(label["head"], label["relation"], label["tail"]) for label in labels]
        answer = iepile.relation_answer(group, triples, conversion.keys)
    return {
        "task": conversion.task,
        "source": conversion.source or conversion.task,
        "instruction": prompt,
        "output": iepile.dumps(answer),
    }


def _test_record(prompt: str, text: str, labels: list[dict[str, str]] | None) -> InstructionRecord:
    record = {"id": sha256_text(text), "instruction": prompt}
    return record if labels is None else {**record, "label": iepile.dumps(labels)}
