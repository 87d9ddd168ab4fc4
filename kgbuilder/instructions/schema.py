"""What a prompt asks for: the names of an ontology in the prompt's language, whole or split."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from graph_schema import Ontology, RelationType

__all__ = ["Schema", "Task", "schema_for", "split"]

Task = Literal["NER", "RE", "JOINT"]
"""NER: the names of each type; RE: the triples of each relation; JOINT: both, for a whole ontology, in one answer."""

HEAD_MARK: Final = "*"
"""Behind a Chinese relation name that says what the head is to the tail."""

_MANY_TYPES: Final = 2
_ANY: Final = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Entity and relation names as they stand in a prompt.

    `signatures` has one entry a relation, "person>location" or "" where the prompt does not say it.
    """

    entities: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()

    def names(self, task: Task) -> tuple[str, ...]:
        """Return the names that a prompt for one of the published tasks lists."""
        return self.relations if task == "RE" else self.entities


def schema_for(ontology: Ontology, language: str, relations: Collection[str] | None = None) -> Schema:
    """Return the names of the ontology's types in `language` ("zh", else English); in open mode there are none.

    `relations` are the ids to keep (see `graph_schema.narrow`); None keeps all. The order is the ontology's.
    """
    return _schema(ontology, language, None if relations is None else frozenset(relations))


@lru_cache(maxsize=512)
def _schema(ontology: Ontology, language: str, kept: frozenset[str] | None) -> Schema:
    relations = [relation for relation in ontology.relation_types.values() if kept is None or relation.id in kept]
    zh = language == "zh"
    return Schema(
        entities=tuple(entity.zh if zh else entity.en for entity in ontology.entity_types.values()),
        relations=tuple(relation.zh if zh else relation.en for relation in relations),
        # A Chinese character costs a token: there is room for a mark of direction, not for every signature.
        signatures=tuple(_direction(relation) if zh else _signature(ontology, relation) for relation in relations),
    )


def _direction(relation: RelationType) -> str:
    return HEAD_MARK if relation.zh_names_head else ""


def _signature(ontology: Ontology, relation: RelationType) -> str:
    return f"{_types(ontology, relation.head)}>{_types(ontology, relation.tail)}"


def _types(ontology: Ontology, ids: Sequence[str]) -> str:
    if len(ids) > _MANY_TYPES:
        return _ANY
    return "/".join(ontology.entity_types[id_].en for id_ in ids)


def split(names: Sequence[str], size: int) -> tuple[tuple[str, ...], ...]:
    """Cut `names` into groups of `size`; a rest of less than half a group joins the last one.

    Source: IEPile (arXiv 2402.14710), which asks 6 entity types or 4 relations at a time.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    groups = [tuple(names[start : start + size]) for start in range(0, len(names), size)]
    if len(groups) > 1 and len(groups[-1]) < max(1, size // 2):
        groups[-2:] = [groups[-2] + groups[-1]]
    return tuple(groups)
