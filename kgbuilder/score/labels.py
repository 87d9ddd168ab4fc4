"""Labels of a source, and of an extractor, as ids of an ontology."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.records import Extraction
from kgbuilder.score.annotated import AnnotatedEntity, AnnotatedText, AnnotatedTriple

__all__ = ["Mapped", "check_mapping", "claimed", "in_ontology", "load_mapping"]

_INVERSE = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """How the labels of one source read in the ontology; a label that is not here is left out of the scoring.

    A relation that begins with "~" is the other way round in the ontology.
    """

    entities: Mapping[str, str]
    relations: Mapping[str, str]


class _MappedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    entities: dict[str, str] = {}
    relations: dict[str, str] = {}


def load_mapping(path: Path) -> dict[str, Mapped]:
    """Read a YAML file {source: {entities: {label: id}, relations: {label: id}}}.

    Raises:
        ConfigError: when the file has another form.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        parsed = {str(source): _MappedFile.model_validate(part) for source, part in dict(content).items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, TypeError, ValueError) as error:
        remedy = "write {source: {entities: {label: id}, relations: {label: id}}}"
        raise ConfigError(f"the mapping cannot be read: {error}", where=str(path), remedy=remedy) from error
    return {source: Mapped(entities=part.entities, relations=part.relations) for source, part in parsed.items()}


def check_mapping(mapping: Mapping[str, Mapped], ontology: Ontology, where: str) -> None:
    """Check that a mapping leads to ids of the ontology; with an open ontology any name is one.

    Raises:
        ConfigError: with every id that the ontology does not have.
    """
    if ontology.open:
        return
    wrong = [
        f"{source}: {id_!r}"
        for source, mapped in sorted(mapping.items())
        for id_ in sorted(
            {id_ for id_ in mapped.entities.values() if id_ not in ontology.entity_types}
            | {id_ for id_ in mapped.relations.values() if id_.removeprefix(_INVERSE) not in ontology.relation_types}
        )
    ]
    if wrong:
        what = f"the ontology {ontology.name} does not have " + ", ".join(wrong)
        raise ConfigError(what, where=where, remedy="use its ids: kgbuilder config --ontology")


def in_ontology(record: AnnotatedText, ontology: Ontology, mapped: Mapped | None) -> AnnotatedText:
    """Return `record` with the labels of its source replaced by ids of the ontology; what has none is left out."""
    complete = record.annotated_relations
    return replace(
        record,
        entities=tuple(
            replace(entity, type=type_)
            for entity in record.entities
            if (type_ := _mapped_entity(entity.type, ontology, mapped))
        ),
        triples=tuple(
            _mapped_triple(triple, relation, ontology, mapped)
            for triple in record.triples
            if (relation := _mapped_relation(triple.relation, ontology, mapped))
        ),
        annotated_relations=None
        if complete is None
        else frozenset(_mapped_relation(name, ontology, mapped).removeprefix(_INVERSE) for name in complete),
    )


def claimed(record: AnnotatedText, extraction: Extraction | None, ontology: Ontology) -> AnnotatedText:
    """Return what an extraction says about the text of `record`, nothing where it is not usable."""
    done = extraction if extraction is not None and extraction.state == "done" else None
    return AnnotatedText(
        id=record.id,
        language=record.language,
        source=record.source,
        text=record.text,
        entities=tuple(
            AnnotatedEntity(
                text=claim.text,
                type=_entity_id(claim.label, ontology),
                start=claim.start,
                end=None if claim.start is None else claim.start + len(claim.text),
            )
            for claim in (done.mentions if done else ())
        ),
        triples=tuple(
            AnnotatedTriple(
                head=claim.head,
                relation=_relation_id(claim.relation, ontology),
                tail=claim.tail,
                head_type=_entity_id(claim.head_label or "", ontology),
                tail_type=_entity_id(claim.tail_label or "", ontology),
            )
            for claim in (done.triples if done else ())
        ),
    )


def _mapped_triple(
    triple: AnnotatedTriple, relation: str, ontology: Ontology, mapped: Mapped | None
) -> AnnotatedTriple:
    head, tail = (triple.head, triple.head_type), (triple.tail, triple.tail_type)
    if relation.startswith(_INVERSE):
        head, tail = tail, head
    return AnnotatedTriple(
        head=head[0],
        relation=relation.removeprefix(_INVERSE),
        tail=tail[0],
        head_type=_mapped_entity(head[1], ontology, mapped),
        tail_type=_mapped_entity(tail[1], ontology, mapped),
    )


def _mapped_entity(label: str, ontology: Ontology, mapped: Mapped | None) -> str:
    return mapped.entities.get(label, "") if mapped else _entity_id(label, ontology)


def _mapped_relation(label: str, ontology: Ontology, mapped: Mapped | None) -> str:
    return mapped.relations.get(label, "") if mapped else _relation_id(label, ontology)


def _entity_id(label: str, ontology: Ontology) -> str:
    known = ontology.entity_type(label)
    return known.id if known else label


def _relation_id(label: str, ontology: Ontology) -> str:
    known = ontology.relation_type(label)
    return known.id if known else label
