"""Ontologies: the entity types and relation types of a graph, looked up by any of their names."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from types import MappingProxyType

from graph_schema.names import fold, node_label, relationship_type

__all__ = ["EntityType", "Ontology", "RelationType", "narrow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """A kind of entity. `label` is its node label in the graph; `value` marks literals such as dates and quantities.

    `ancestors` are the ids of the wider types, nearest first: where a relation allows one of them it allows this one.
    """

    id: str
    label: str
    zh: str
    en: str
    definition_zh: str = ""
    definition_en: str = ""
    aliases: tuple[str, ...] = ()
    value: bool = False
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationType:
    """A kind of relation, read "head RELATION tail". `type` is its relationship type in the graph.

    `head` and `tail` are ids of entity types; `functional` means at most one tail a head. `zh_names_head` is set where
    the Chinese name says what the head is to the tail (首府), not what the tail is to the head (出生地).
    """

    id: str
    type: str
    zh: str
    en: str
    definition_zh: str = ""
    definition_en: str = ""
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    symmetric: bool = False
    functional: bool = False
    zh_names_head: bool = False
    example_zh: str = ""
    example_en: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ontology:
    """Entity types and relation types by id, in the order of the file; `fingerprint` is the sha256 of all of them.

    Build it with `Ontology.of`, which fills the lookups. In open mode any other name makes a type of its own.
    """

    name: str
    entity_types: Mapping[str, EntityType]
    relation_types: Mapping[str, RelationType]
    open: bool
    fingerprint: str
    _entity_ids: Mapping[str, str] = field(repr=False)
    _relation_ids: Mapping[str, str] = field(repr=False)
    _heads: Mapping[str, frozenset[str]] = field(repr=False)
    _tails: Mapping[str, frozenset[str]] = field(repr=False)

    @staticmethod
    def of(
        name: str,
        entity_types: Iterable[EntityType],
        relation_types: Iterable[RelationType],
        open: bool = False,
    ) -> "Ontology":
        """Build an ontology from its types, in the given order."""
        entities = {entity.id: entity for entity in entity_types}
        relations = {relation.id: relation for relation in relation_types}
        return Ontology(
            name=name,
            entity_types=MappingProxyType(entities),
            relation_types=MappingProxyType(relations),
            open=open,
            fingerprint=_fingerprint(entities.values(), relations.values(), open),
            _entity_ids=_ids(tuple(entities.values())),
            _relation_ids=_ids(tuple(relations.values())),
            _heads={relation.id: _allowed(relation.head, entities) for relation in relations.values()},
            _tails={relation.id: _allowed(relation.tail, entities) for relation in relations.values()},
        )

    def entity_type(self, name: str) -> EntityType | None:
        """Find a type by id, label, Chinese or English name or alias, whatever its case, width and spacing."""
        known = self._entity_ids.get(name) or self._entity_ids.get(fold(name))
        if known is not None:
            return self.entity_types[known]
        return _open_entity_type(name) if self.open else None

    def relation_type(self, name: str) -> RelationType | None:
        """Find a relation by id, graph type, Chinese or English name or alias, whatever its case, width and spacing."""
        known = self._relation_ids.get(name) or self._relation_ids.get(fold(name))
        if known is not None:
            return self.relation_types[known]
        return _open_relation_type(name) if self.open else None

    def allows(self, head: str, relation: str, tail: str) -> bool:
        """Say whether entities of types `head` and `tail` may stand in `relation`; all three are ids."""
        if self.open:
            return True
        heads = self._heads.get(relation)
        return heads is not None and head in heads and tail in self._tails[relation]

    def is_a(self, label: str, wider: str) -> bool:
        """Say whether the type with id `label` is the type `wider` or one of the kinds of it."""
        known = self.entity_types.get(label)
        return label == wider or (known is not None and wider in known.ancestors)

    def __reduce__(self) -> tuple[object, ...]:
        parts = (self.name, tuple(self.entity_types.values()), tuple(self.relation_types.values()), self.open)
        return Ontology.of, parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ontology) and (self.name, self.fingerprint) == (other.name, other.fingerprint)

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def narrow(ontology: Ontology, labels: Collection[str]) -> tuple[str, ...]:
    """Return the ids of the relations whose head and tail can both be filled by entities of the types `labels`."""
    present = frozenset(labels)
    return tuple(
        relation
        for relation, heads in ontology._heads.items()
        if not present.isdisjoint(heads) and not present.isdisjoint(ontology._tails[relation])
    )


def proper_names(type_: EntityType | RelationType) -> tuple[str, ...]:
    """Return the names of a type that are its own; aliases come behind these."""
    return (type_.id, type_.label if isinstance(type_, EntityType) else type_.type, type_.zh, type_.en)


def _ids(types: Sequence[EntityType] | Sequence[RelationType]) -> dict[str, str]:
    # The names as written stand beside the folded ones, so that a name given as in the prompt needs no folding.
    ids: dict[str, str] = {}
    named = [(type_.id, name) for type_ in types for name in proper_names(type_)]
    named += [(type_.id, name) for type_ in types for name in type_.aliases]
    for id_, name in named:
        ids.setdefault(name, id_)
        ids.setdefault(fold(name), id_)
    return ids


def _allowed(signature: tuple[str, ...], entities: Mapping[str, EntityType]) -> frozenset[str]:
    wider = frozenset(signature)
    return wider | {entity.id for entity in entities.values() if not wider.isdisjoint(entity.ancestors)}


def _fingerprint(entities: Iterable[EntityType], relations: Iterable[RelationType], open: bool) -> str:
    content = [[astuple(entity) for entity in entities], [astuple(relation) for relation in relations], open]
    return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()


def _open_entity_type(name: str) -> EntityType | None:
    key = fold(name)
    if not key:
        return None
    label = node_label(name)
    return EntityType(id=label, label=label, zh=key, en=key)


def _open_relation_type(name: str) -> RelationType | None:
    key = fold(name)
    if not key:
        return None
    type_ = relationship_type(name)
    return RelationType(id=type_, type=type_, zh=key, en=key)
