"""Annotated text as JSON Lines, the form of the public rows and of `python -m training corpus jsonl`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kgbuilder.errors import ParseError

__all__ = ["AnnotatedEntity", "AnnotatedText", "AnnotatedTriple", "read_annotated"]

_FORM = (
    'write {"id", "lang", "source", "text", "entities": [{"text", "type", "start", "end"}], '
    '"triples": [{"head", "relation", "tail"}]}, one object a line'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedEntity:
    """A named span; offsets are code points in the text, None where the source has none.

    Mentions with the same `entity` name the same thing; None where the source does not say.
    """

    text: str
    type: str
    start: int | None = None
    end: int | None = None
    entity: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedTriple:
    """A relation between two names; the types are "" where they are not said."""

    head: str
    relation: str
    tail: str
    head_type: str = ""
    tail_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedText:
    """A text with what it says. `annotated_relations` are those annotated completely; None means all."""

    id: str
    language: str
    source: str
    text: str
    entities: tuple[AnnotatedEntity, ...] = ()
    triples: tuple[AnnotatedTriple, ...] = ()
    annotated_relations: frozenset[str] | None = None


class _Entity(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str
    type: str | None
    start: int | None = None
    end: int | None = None
    entity: int | str | None = None


class _Triple(BaseModel):
    model_config = ConfigDict(extra="ignore")
    head: str
    relation: str
    tail: str
    head_type: str | None = None
    tail_type: str | None = None


class _Record(BaseModel):
    # Sources carry keys of their own (folds, matches, events), so unknown keys are no mistake here.
    model_config = ConfigDict(extra="ignore")
    id: str | int
    lang: str
    source: str
    text: str
    entities: list[_Entity] = []
    triples: list[_Triple] = []
    annotated_relations: list[str] | None = None


def read_annotated(path: Path) -> Iterator[AnnotatedText]:
    """Read JSON Lines of the form {"id", "lang", "source", "text", "entities", "triples"}; blank lines are skipped.

    An entity whose type is null has the type "", which no ontology knows.

    Raises:
        ParseError: naming file and line, for a line that is not UTF-8, not JSON, or not of this form, or whose offsets
            do not hold the text; naming the file, when it cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read_line(line, f"{path}:{number}")
    except OSError as error:
        raise ParseError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="give a file of annotated records"
        ) from error


def _read_line(line: bytes, where: str) -> AnnotatedText:
    try:
        record = _Record.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise ParseError(f"{place}: {first['msg']}", where=where, remedy=_FORM) from error
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not a line of JSON: {error}", where=where, remedy="write one JSON object a line") from error
    for entity in record.entities:
        _check_offsets(entity, record.text, where)
    relations = None if record.annotated_relations is None else frozenset(record.annotated_relations)
    return AnnotatedText(
        id=str(record.id),
        language=record.lang,
        source=record.source,
        text=record.text,
        entities=tuple(
            AnnotatedEntity(
                text=entity.text, type=entity.type or "", start=entity.start, end=entity.end, entity=entity.entity
            )
            for entity in record.entities
        ),
        triples=tuple(
            AnnotatedTriple(
                head=triple.head,
                relation=triple.relation,
                tail=triple.tail,
                head_type=triple.head_type or "",
                tail_type=triple.tail_type or "",
            )
            for triple in record.triples
        ),
        annotated_relations=relations,
    )


def _check_offsets(entity: _Entity, text: str, where: str) -> None:
    if entity.start is None:
        return
    end = -1 if entity.end is None else entity.end
    if not 0 <= entity.start < end <= len(text) or text[entity.start : end] != entity.text:
        what = f"offsets {entity.start} to {entity.end} do not hold {entity.text!r}"
        raise ParseError(what, where=where, remedy="count code points from 0; `end` is behind the last one")
