"""The table of public sources: how their labels read in the ontology, and what of it is complete."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ConfigError
from training.data.mistakes import CorpusError, Mistake

__all__ = ["Claim", "Fact", "Source", "load_sources"]

Form = Literal["spans", "strings", "events"]
Complete = Literal["none", "all", "row", "stated", "pairs"]
SourceSplit = Literal["train", "test", "group"]

_NO_ENTITY = "none"
_CLAIM = re.compile(r"(\??)(~?)(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A relation of ours that a label stands for; `inverse` swaps head and tail, without `sure` it may not hold."""

    relation: str
    inverse: bool = False
    sure: bool = True


Fact = tuple[Claim, ...]
"""One holds of the claims that the types of head and tail allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of public rows; the keys are explained at the head of sources.yaml.

    `entities` gives the types that a label may stand for, none for what is no entity; `relations` the facts of a label.
    """

    name: str
    licence: str
    credit: str
    form: Form
    entities: Mapping[str, frozenset[str]]
    relations: Mapping[str, tuple[Fact, ...]]
    exhaustive: frozenset[str]
    partial: frozenset[str]
    undivided: frozenset[str]
    names_only: bool
    max_words: int | None
    complete: Complete
    documents: str | None
    split: SourceSplit
    group: str | None

    def document_of(self, id_: str) -> str:
        """Return the id of the document that a row belongs to."""
        found = re.match(self.group, id_) if self.group else None
        return found[1] if found else id_

    def relations_of(self, labels: Iterable[str], *, sure: bool) -> frozenset[str]:
        """Return the relations that the labels stand for; with `sure` only those that would hold."""
        facts = (fact for label in labels for fact in self.relations.get(label, ()))
        return frozenset(claim.relation for fact in facts for claim in fact if claim.sure or not sure)


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid")
    licence: str
    credit: str
    form: Form
    entities: dict[str, str | list[str]]
    relations: dict[str, str | list[str]] = {}
    exhaustive: list[str] = []
    partial: list[str] = []
    undivided: list[str] = []
    names_only: bool = False
    max_words: int | None = None
    complete: Complete = "none"
    documents: str | None = None
    split: SourceSplit
    group: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tables: dict[str, dict[str, str | list[str]]]
    sources: dict[str, _Source]


@lru_cache(maxsize=1)
def load_sources() -> Mapping[str, Source]:
    """Return the sources by name, in the order of the table.

    Raises:
        ConfigError: when the table has another form.
        CorpusError: with every type or relation in it that the ontology `general` does not have.
    """
    file = resources.files("training.data") / "sources.yaml"
    try:
        content = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"the table cannot be read: {error}", where=str(file), remedy="see its head") from error
    mistakes: list[Mistake] = []
    ontology = load_ontology("general")
    sources = {name: _source(name, entry, ontology, mistakes) for name, entry in content.sources.items()}
    if mistakes:
        raise CorpusError(mistakes)
    return sources


def _source(name: str, entry: _Source, ontology: Ontology, mistakes: list[Mistake]) -> Source:
    entities = {label: _types(value) for label, value in entry.entities.items()}
    named = frozenset[str]().union(*entities.values(), entry.exhaustive, entry.partial, entry.undivided)
    relations = {label: _facts(value) for label, value in entry.relations.items()}
    used = {claim.relation for facts in relations.values() for fact in facts for claim in fact}
    unknown = [*(named - ontology.entity_types.keys()), *(used - ontology.relation_types.keys())]
    where = f"sources.yaml, {name}"
    remedy = "use an id of the ontology `general`"
    mistakes.extend(Mistake(where=where, what=f"unknown {id_!r}", remedy=remedy) for id_ in sorted(unknown))
    return Source(
        name=name,
        licence=entry.licence,
        credit=entry.credit,
        form=entry.form,
        entities=entities,
        relations=relations,
        exhaustive=frozenset(entry.exhaustive),
        partial=frozenset(entry.partial),
        undivided=frozenset(entry.undivided),
        names_only=entry.names_only,
        max_words=entry.max_words,
        complete=entry.complete,
        documents=entry.documents,
        split=entry.split,
        group=entry.group,
    )


def _types(value: str | list[str]) -> frozenset[str]:
    if value == _NO_ENTITY:
        return frozenset()
    return frozenset([value] if isinstance(value, str) else value)


def _facts(value: str | list[str]) -> tuple[Fact, ...]:
    written = [value] if isinstance(value, str) else value
    return tuple(tuple(_claim(claim) for claim in fact.split()) for fact in written)


def _claim(written: str) -> Claim:
    found = _CLAIM.fullmatch(written)
    if found is None:
        return Claim(relation=written)
    return Claim(relation=found[3], inverse=bool(found[2]), sure=not found[1])
