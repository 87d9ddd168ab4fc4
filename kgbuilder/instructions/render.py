"""Prompts and the answers they are to have: the only place where either is written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from graph_schema import Ontology
from kgbuilder.instructions import iepile, joint
from kgbuilder.instructions.schema import Schema, Task
from kgbuilder.records import MentionClaim, TripleClaim

__all__ = ["Example", "answer", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text with all that is to be found in it, shown in a prompt; labels and relations are names or ontology ids."""

    text: str
    mentions: tuple[MentionClaim, ...] = ()
    triples: tuple[TripleClaim, ...] = ()


def render(
    task: Task,
    language: str,
    schema: Schema | Sequence[str],
    text: str,
    *,
    examples: Sequence[Example] = (),
    ontology: Ontology | None = None,
    dialect: str = "iepile",
) -> str:
    """Return the prompt that asks for `schema` in `text`; `language` is "zh", or anything else for English.

    For NER and RE `schema` may be a plain list of names; JOINT needs a `Schema`. `ontology` translates the ids in
    `examples` to the names of the prompt.
    """
    _check_dialect(dialect)
    wording = "zh" if language == "zh" else "en"
    shown = [(example.text, _value(task, schema, example, ontology)) for example in examples]
    if task == "JOINT":
        return joint.prompt(wording, _whole(schema), shown, text)
    return iepile.prompt(task, wording, _names(task, schema), shown, text)


def answer(
    task: Task,
    schema: Schema | Sequence[str],
    example: Example,
    *,
    ontology: Ontology | None = None,
    keys: tuple[str, str] = iepile.ARGUMENT_KEYS,
    dialect: str = "iepile",
) -> str:
    """Return the answer a model should give for `example`: the training target, in the one form that we write.

    `keys` name head and tail in an RE answer; whatever they are, `parse` reads them.
    """
    _check_dialect(dialect)
    value = _value(task, schema, example, ontology, keys)
    if task == "JOINT":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return iepile.dumps(value)


def _value(
    task: Task,
    schema: Schema | Sequence[str],
    example: Example,
    ontology: Ontology | None,
    keys: tuple[str, str] = iepile.ARGUMENT_KEYS,
) -> object:
    entities = [(claim.label, claim.text) for claim in example.mentions]
    triples = [(claim.head, claim.relation, claim.tail) for claim in example.triples]
    if ontology is not None:
        named = schema if isinstance(schema, Schema) else Schema(entities=tuple(schema), relations=tuple(schema))
        types = {type_.id: name for name in named.entities if (type_ := ontology.entity_type(name))}
        relations = {known.id: name for name in named.relations if (known := ontology.relation_type(name))}
        entities = [(types.get(label, label), name) for label, name in entities]
        triples = [(head, relations.get(relation, relation), tail) for head, relation, tail in triples]
    if task == "JOINT":
        return joint.answer(_whole(schema), entities, triples)
    names = _names(task, schema)
    return iepile.entity_answer(names, entities) if task == "NER" else iepile.relation_answer(names, triples, keys)


def _names(task: Task, schema: Schema | Sequence[str]) -> tuple[str, ...]:
    return schema.names(task) if isinstance(schema, Schema) else tuple(schema)


def _whole(schema: Schema | Sequence[str]) -> Schema:
    if not isinstance(schema, Schema):
        raise TypeError("a joint prompt asks for entities and relations: pass the Schema that schema_for returns")
    return schema


def _check_dialect(dialect: str) -> None:
    if dialect != "iepile":
        raise ValueError(f"unknown dialect {dialect!r}; known is 'iepile'")
