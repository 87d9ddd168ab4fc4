"""Read ontologies from YAML: packs, what they extend, and every mistake of a file at once with its line.

A file names entity types and relations. With `extends` it starts from those of other ontologies, of which
`keep_entity_types` and `keep_relations` select some; an entry whose id is known from there changes only what it gives.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from graph_schema.errors import SchemaError
from graph_schema.names import fold, node_label, relationship_type
from graph_schema.ontology import EntityType, Ontology, RelationType, proper_names
from graph_schema.yaml_nodes import Entry, Mistake, Reader, suggest

__all__ = ["list_packs", "load_ontology"]

_Type = TypeVar("_Type", EntityType, RelationType)

_HEADER_KEYS: Mapping[str, type] = {
    "name": str,
    "zh": str,
    "en": str,
    "extends": tuple,
    "open": bool,
    "keep_entity_types": tuple,
    "keep_relations": tuple,
}
_ENTITY_KEYS: Mapping[str, type] = {
    "label": str,
    "zh": str,
    "en": str,
    "definition_zh": str,
    "definition_en": str,
    "aliases": tuple,
    "value": bool,
    "parent": str,
}
_RELATION_KEYS: Mapping[str, type] = {
    "type": str,
    "zh": str,
    "en": str,
    "definition_zh": str,
    "definition_en": str,
    "head": tuple,
    "tail": tuple,
    "symmetric": bool,
    "functional": bool,
    "zh_names_head": bool,
    "example_zh": str,
    "example_en": str,
    "aliases": tuple,
}
_ENTITY_NEEDS = ("zh", "en", "definition_zh", "definition_en")
_RELATION_NEEDS = (*_ENTITY_NEEDS, "head", "tail", "example_zh", "example_en")
_ID = re.compile(r"\w{1,48}")


@dataclass(slots=True)
class _Content:
    """What a file says, taken together with what it extends."""

    name: str
    open: bool = False
    entities: dict[str, EntityType] = field(default_factory=dict)
    relations: dict[str, RelationType] = field(default_factory=dict)


def load_ontology(name_or_path: str | Path) -> Ontology:
    """Load a pack by name ("general", "medicine", ...), open mode ("open"), or an ontology from a YAML file.

    Raises:
        SchemaError: with every mistake of the file and of those it extends, each as "file:line: what".
    """
    if isinstance(name_or_path, str) and name_or_path in list_packs():
        return _load_pack(name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        remedy = f"{suggest(str(name_or_path), list_packs())}, or give the path of a YAML file"
        raise SchemaError(f"there is no ontology {str(name_or_path)!r}", remedy=remedy)
    return _load(path)


@lru_cache(maxsize=1)
def list_packs() -> tuple[str, ...]:
    """Return the names of the ontologies that come with the package, sorted."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _packs().iterdir() if file.name.endswith(".yaml")))


def _packs() -> Traversable:
    return resources.files("graph_schema") / "ontologies"


@lru_cache(maxsize=64)
def _load_pack(name: str) -> Ontology:
    return _load(_packs() / f"{name}.yaml")


def _load(file: Traversable) -> Ontology:
    mistakes: list[Mistake] = []
    content = _read(file, (), mistakes)
    if mistakes:
        what = f"the ontology has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        files = list(dict.fromkeys((file.name, *(mistake.where for mistake in mistakes))))
        mistakes.sort(key=lambda mistake: (files.index(mistake.where), mistake.line))
        raise SchemaError(what, where=str(file), remedy="mend the lines below", mistakes=[*map(str, mistakes)])
    return Ontology.of(content.name, content.entities.values(), content.relations.values(), content.open)


def _read(file: Traversable, chain: tuple[str, ...], mistakes: list[Mistake]) -> _Content:
    reader = Reader(file.name, mistakes)
    try:
        data = file.read_bytes()
    except OSError as error:
        reader.wrong(1, f"the file cannot be read: {error.strerror}")
        return _Content(name=file.name)
    node = reader.document(data)
    if node is None:
        return _Content(name=file.name)
    sections = ("entity_types", "relations")
    nodes = reader.mapping(node, "the ontology", (*_HEADER_KEYS, *sections))
    if not nodes:
        return _Content(name=file.name)
    header = Entry(
        id="",
        line=1,
        values={
            key: value
            for key, (_, child) in nodes.items()
            if key in _HEADER_KEYS and (value := reader.value(child, key, _HEADER_KEYS[key])) is not None
        },
        lines={key: line for key, (line, _) in nodes.items()},
    )
    if "name" not in nodes:
        reader.wrong(1, "the ontology has no name; add a line `name: ...`")
    base = _extended(header, file, chain, reader)
    kept = _selected(base, header, reader)
    entities = reader.section(nodes["entity_types"][1], "entity_types", _ENTITY_KEYS) if "entity_types" in nodes else []
    relations = reader.section(nodes["relations"][1], "relations", _RELATION_KEYS) if "relations" in nodes else []
    return _Builder(reader, base, kept, header).build(entities, relations)


def _extended(header: Entry, file: Traversable, chain: tuple[str, ...], reader: Reader) -> _Content:
    """Read what the file extends, and join it where it is more than one."""
    base = _Content(name="")
    line = header.line_of("extends")
    chain = (*chain, str(file))
    for name in header.names("extends"):
        parent = _packs() / f"{name}.yaml" if name in list_packs() else _beside(file, name)
        if parent is None:
            reader.wrong(line, f"extends unknown ontology {name!r}; {suggest(name, list_packs())}")
        elif str(parent) in chain:
            reader.wrong(line, f"extends {name!r}, which extends this ontology: a circle")
        else:
            content = _read(parent, chain, reader.mistakes)
            _join(base, content, name, reader, line)
    return base


def _beside(file: Traversable, name: str) -> Path | None:
    path = Path(str(file)).parent / name
    return path if path.suffix in (".yaml", ".yml") and path.is_file() else None


def _join(base: _Content, other: _Content, name: str, reader: Reader, line: int) -> None:
    base.open = base.open or other.open
    for entity in other.entities.values():
        if base.entities.setdefault(entity.id, entity) != entity:
            reader.wrong(line, f"entity type {entity.id!r} of {name!r} differs from another one extended here")
    for relation in other.relations.values():
        known = base.relations.setdefault(relation.id, relation)
        joined = replace(known, head=_union(known.head, relation.head), tail=_union(known.tail, relation.tail))
        if replace(relation, head=joined.head, tail=joined.tail) != joined:
            reader.wrong(line, f"relation {relation.id!r} of {name!r} differs from another one extended here")
        base.relations[relation.id] = joined


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _selected(base: _Content, header: Entry, reader: Reader) -> _Content:
    """Return what is kept of `base`; the signatures are cut in `_Builder`, which knows the new types."""
    entities = _kept(base.entities, "keep_entity_types", header, reader)
    relations = _kept(base.relations, "keep_relations", header, reader)
    return _Content(name=base.name, open=base.open, entities=entities, relations=relations)


def _kept(known: dict[str, _Type], key: str, header: Entry, reader: Reader) -> dict[str, _Type]:
    if key not in header.values:
        return dict(known)
    if not known and "extends" in header.values:
        return {}
    for name in header.names(key):
        if name not in known:
            hint = suggest(name, known) if known else "the ontology extends nothing"
            reader.wrong(header.line_of(key), f"{key} names unknown {name!r}; {hint}")
    wanted = frozenset(header.names(key))
    return {id_: type_ for id_, type_ in known.items() if id_ in wanted}


class _Builder:
    """Makes the types of one file from its entries and from what it keeps of the ontologies it extends."""

    def __init__(self, reader: Reader, base: _Content, kept: _Content, header: Entry) -> None:
        self.reader = reader
        self.base = base
        self.kept = kept
        self.header = header

    def build(self, entities: list[Entry], relations: list[Entry]) -> _Content:
        """Return the types in order, the kept ones first."""
        built = _Content(name=self.header.text("name"))
        built.open = self.header.values.get("open", self.kept.open) is True
        built.entities = self._entity_types(entities)
        built.relations = self._relation_types(relations, built.entities)
        self._check_names(entities, tuple(built.entities.values()))
        self._check_names(relations, tuple(built.relations.values()))
        if not built.open and not built.entities:
            self.reader.wrong(
                1, "the ontology has no entity types: add some, extend another one, or write `open: true`"
            )
        return built

    def _entity_types(self, entries: list[Entry]) -> dict[str, EntityType]:
        types = dict(self.kept.entities)
        parents = {entity.id: entity.ancestors[0] for entity in self.base.entities.values() if entity.ancestors}
        parents.update({entry.id: entry.text("parent") for entry in entries if "parent" in entry.values})
        written = {entry.id: self._entity_type(entry) for entry in entries}
        known = {**self.base.entities, **written}
        for entry in entries:
            ancestors = self._ancestors(entry, parents, known)
            value = written[entry.id].value or any(known[ancestor].value for ancestor in ancestors)
            types[entry.id] = replace(written[entry.id], ancestors=ancestors, value=value)
        return types

    def _entity_type(self, entry: Entry) -> EntityType:
        known = self.base.entities.get(entry.id)
        self._check_entry(entry, "entity_types", () if known else _ENTITY_NEEDS)
        if known is None:
            known = EntityType(id=entry.id, label=node_label(entry.text("en", entry.id)), zh="", en="")
        label = entry.text("label", known.label)
        self._check_identifier(entry, "label", label, node_label(label))
        return replace(
            known,
            label=label,
            zh=entry.text("zh", known.zh),
            en=entry.text("en", known.en),
            definition_zh=entry.text("definition_zh", known.definition_zh),
            definition_en=entry.text("definition_en", known.definition_en),
            aliases=entry.names("aliases") or known.aliases,
            value=entry.values.get("value", known.value) is True,
        )

    def _ancestors(self, entry: Entry, parents: Mapping[str, str], known: Mapping[str, EntityType]) -> tuple[str, ...]:
        found: list[str] = []
        here = entry.id
        while here in parents:
            parent = parents[here]
            if parent not in known:
                if here == entry.id:
                    hint = suggest(parent, known)
                    self.reader.wrong(
                        entry.line_of("parent"), f"{entry.id!r} has the unknown parent {parent!r}; {hint}"
                    )
                break
            if parent == entry.id or parent in found:
                self.reader.wrong(entry.line_of("parent"), f"the parents of {entry.id!r} run in a circle")
                return ()
            found.append(parent)
            here = parent
        return tuple(found)

    def _relation_types(self, entries: list[Entry], entities: Mapping[str, EntityType]) -> dict[str, RelationType]:
        types: dict[str, RelationType] = {}
        for relation in self.kept.relations.values():
            head, tail = _kinds_of(relation.head, entities), _kinds_of(relation.tail, entities)
            if head and tail:
                types[relation.id] = replace(relation, head=head, tail=tail)
            elif "keep_relations" in self.header.values and not any(entry.id == relation.id for entry in entries):
                side, missing = ("head", relation.head) if not head else ("tail", relation.tail)
                what = f"relation {relation.id!r} is kept, but none of its {side} types ({', '.join(missing)})"
                self.reader.wrong(self.header.line_of("keep_relations"), what)
        for entry in entries:
            types[entry.id] = self._relation_type(entry, entities)
        return types

    def _relation_type(self, entry: Entry, entities: Mapping[str, EntityType]) -> RelationType:
        known = self.base.relations.get(entry.id)
        self._check_entry(entry, "relations", () if known else _RELATION_NEEDS)
        if known is None:
            known = RelationType(id=entry.id, type=relationship_type(entry.id), zh="", en="")
        type_ = entry.text("type", known.type)
        self._check_identifier(entry, "type", type_, relationship_type(type_))
        relation = replace(
            known,
            type=type_,
            zh=entry.text("zh", known.zh),
            en=entry.text("en", known.en),
            definition_zh=entry.text("definition_zh", known.definition_zh),
            definition_en=entry.text("definition_en", known.definition_en),
            head=self._signature(entry, "head", entities) or _kinds_of(known.head, entities),
            tail=self._signature(entry, "tail", entities) or _kinds_of(known.tail, entities),
            symmetric=entry.values.get("symmetric", known.symmetric) is True,
            functional=entry.values.get("functional", known.functional) is True,
            zh_names_head=entry.values.get("zh_names_head", known.zh_names_head) is True,
            example_zh=entry.text("example_zh", known.example_zh),
            example_en=entry.text("example_en", known.example_en),
            aliases=entry.names("aliases") or known.aliases,
        )
        if relation.symmetric and set(relation.head) != set(relation.tail):
            self.reader.wrong(entry.line, f"relations.{entry.id} is symmetric, so its head and tail must be the same")
        return relation

    def _signature(self, entry: Entry, side: str, entities: Mapping[str, EntityType]) -> tuple[str, ...]:
        names = entry.names(side)
        if side in entry.values and not names:
            self.reader.wrong(entry.line_of(side), f"relations.{entry.id}.{side} names no entity type")
        for name in names:
            if name not in entities:
                what = f"relations.{entry.id}.{side} names the unknown entity type {name!r}; {suggest(name, entities)}"
                self.reader.wrong(entry.line_of(side), what)
        return tuple(name for name in dict.fromkeys(names) if name in entities)

    def _check_entry(self, entry: Entry, section: str, needs: tuple[str, ...]) -> None:
        if not _ID.fullmatch(entry.id):
            what = f"{section}: {entry.id!r} cannot be an id; use at most 48 letters, digits and underscores"
            self.reader.wrong(entry.line, what)
        missing = [key for key in needs if key not in entry.lines]
        if missing:
            self.reader.wrong(entry.line, f"{section}.{entry.id} has no {', no '.join(missing)}")

    def _check_identifier(self, entry: Entry, key: str, given: str, safe: str) -> None:
        if given != safe:
            what = f"{entry.id!r}: {key} {given!r} cannot stand in the graph or is reserved; write {safe!r}"
            self.reader.wrong(entry.line_of(key), what)

    def _check_names(self, entries: list[Entry], types: Sequence[EntityType] | Sequence[RelationType]) -> None:
        """Note every name that two types share: a reply that uses it could mean either.

        An inherited alias may give way, as two ontologies extended together often know one word in two senses.
        """
        owners: dict[str, str] = {}
        reported: set[tuple[str, str]] = set()
        lines = {entry.id: entry.line for entry in entries}
        names = [(type_.id, name, False) for type_ in types for name in proper_names(type_)]
        names += [(type_.id, name, True) for type_ in types for name in type_.aliases]
        for id_, name, is_alias in names:
            key = fold(name)
            owner = owners.setdefault(key, id_)
            if owner != id_ and (key, id_) not in reported and (not is_alias or id_ in lines or owner in lines):
                reported.add((key, id_))
                line = lines.get(id_, lines.get(owner, self.header.line_of("extends")))
                self.reader.wrong(line, f"{name!r} is a name of both {owner!r} and {id_!r}")


def _kinds_of(signature: tuple[str, ...], entities: Mapping[str, EntityType]) -> tuple[str, ...]:
    """Cut a signature to the types there are; one that was left out is replaced by the kinds of it."""
    found: list[str] = []
    for name in signature:
        kinds = [entity.id for entity in entities.values() if name in entity.ancestors]
        found.extend([name] if name in entities else kinds)
    return tuple(dict.fromkeys(found))
