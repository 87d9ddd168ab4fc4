"""The JSON schema of an answer, for servers that decode under one."""

from collections.abc import Sequence
from typing import Final

from kgbuilder.instructions.iepile import ARGUMENT_KEYS
from kgbuilder.instructions.schema import Schema, Task

__all__ = ["json_schema"]

JsonSchema = dict[str, object]

_NAMES: Final[JsonSchema] = {"type": "array", "items": {"type": "string", "minLength": 1}}
_PAIRS: Final[JsonSchema] = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 2, "maxItems": 2},
}


def json_schema(
    task: Task, schema: Schema | Sequence[str], *, keys: tuple[str, str] = ARGUMENT_KEYS
) -> dict[str, object]:
    """Return the JSON schema of the answer to a prompt; without names in `schema` any name may stand as a key."""
    if task == "JOINT":
        whole = schema if isinstance(schema, Schema) else Schema()
        parts = {"entities": _keyed(whole.entities, _NAMES), "relations": _keyed(whole.relations, _PAIRS)}
        return _object(parts, required=tuple(parts))
    names = schema.names(task) if isinstance(schema, Schema) else tuple(schema)
    return _keyed(names, _NAMES if task == "NER" else _triples(keys), required=names)


def _triples(keys: tuple[str, str]) -> JsonSchema:
    text: JsonSchema = {"type": "string", "minLength": 1}
    return {"type": "array", "items": _object(dict.fromkeys(keys, text), required=keys)}


def _keyed(names: Sequence[str], value: JsonSchema, required: Sequence[str] = ()) -> JsonSchema:
    if not names:
        return {"type": "object", "additionalProperties": value}
    return _object(dict.fromkeys(names, value), required)


def _object(properties: dict[str, JsonSchema], required: Sequence[str]) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
