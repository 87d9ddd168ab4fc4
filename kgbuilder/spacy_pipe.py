"""kgbuilder in spaCy: `nlp.add_pipe("kgbuilder")` sets `doc.ents` and `doc._.triples`; annotated text as a DocBin.

spaCy finds the component by the entry point `kgbuilder` in its group `spacy_factories`, which it loads with every
pipeline anybody makes: so little is imported here, and spaCy itself only where it is used.

A text is cut, read and grounded as `kgbuilder build` does it. Offsets are code points and exact in the triples; an
entity of `doc.ents` consists of tokens, so it is widened to whole tokens where it ends inside one.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kgbuilder.errors import ConfigError, KGBuilderError, ModelError, ParseError
from kgbuilder.ids import content_id
from kgbuilder.records import Chunk, Document, Extraction, Mention, Passage, Quarantined, Triple

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span

    from graph_schema import Ontology
    from kgbuilder.extract import Extractor

__all__ = [
    "NAME",
    "DocFile",
    "DocTriple",
    "KGBuilderPipe",
    "PipeSettings",
    "Snapping",
    "TypedSpan",
    "create",
    "doc_triples",
    "set_entities",
]

_Found = TypeVar("_Found", Mention, Triple)

NAME = "kgbuilder"
"""The name of the factory, and of the component unless it is given another."""

TRIPLES = "triples"
"""The key of `doc.user_data`, and the extension `doc._.triples`."""

QUARANTINED = "quarantined"

_CONFIG_FILE = "config.json"
# Processes of its own would ask every script for a main guard; `nlp.pipe(n_process=...)` is how spaCy uses more cores.
_EXTRACTOR_DEFAULTS: Mapping[str, Mapping[str, object]] = {"compact": {"workers": 0}}
_STORED = ("ENT_IOB", "ENT_TYPE", "ENT_ID")

ErrorHandler = Callable[[str, "KGBuilderPipe", list["Doc"], Exception], object]
"""What spaCy calls with the documents that cannot be read; when it returns, they are left out."""


class PipeSettings(BaseModel):
    """The config of the component.

    `extractor` is the name of an installed one and `settings` are its own; `ontology` is a pack or a YAML file; `types`
    are entity types by any of their names, all if empty, and keep the relations between them; entities and triples
    with a score below `min_score` are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    extractor: str = "compact"
    ontology: str = "general"
    types: tuple[str, ...] = ()
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    settings: Mapping[str, object] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocTriple:
    """A triple of a spaCy document; `relation` is the id of a relation type.

    `head` and `tail` are whole tokens; `doc.text[head_start:head_end]` is the name as it was found, in code points.
    """

    head: "Span"
    relation: str
    tail: "Span"
    score: float
    head_start: int
    head_end: int
    tail_start: int
    tail_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedSpan:
    """An entity at the code points `start` to `end` of a document; `type` is the id of an entity type."""

    start: int
    end: int
    type: str
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapping:
    """What became of entities that are no sequence of whole tokens, or share a token with a better one."""

    widened: tuple[TypedSpan, ...] = ()
    left_out: tuple[TypedSpan, ...] = ()


def create(
    nlp: "Language",
    name: str = NAME,
    extractor: str = "compact",
    ontology: str = "general",
    types: list[str] | tuple[str, ...] = (),
    min_score: float = 0.0,
    settings: Mapping[str, object] | None = None,
) -> "KGBuilderPipe":
    """Make the component of a pipeline; see `PipeSettings`.

    Raises:
        ConfigError: for a wrong setting, an extractor that is not there, a type that the ontology does not have.
        SchemaError: for an ontology that is not there or has mistakes.
    """
    given = {
        "extractor": extractor,
        "ontology": ontology,
        "types": tuple(types),
        "min_score": min_score,
        "settings": settings or {},
    }
    return KGBuilderPipe(_checked(given, name), name=name, language=nlp.lang or "und")


def __getattr__(name: str) -> object:
    """Register the factory with spaCy when it asks for `factory`, as the entry point names it, and return it."""
    if name != "factory":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spacy.language import Language

    if not Language.has_factory(NAME):
        defaults = PipeSettings().model_dump() | {"types": []}
        assigns = ["doc.ents", f"doc._.{TRIPLES}", "token.ent_iob", "token.ent_type", "token.ent_id"]
        Language.factory(NAME, default_config=defaults, assigns=assigns, func=create)
    return create


class KGBuilderPipe:
    """Sets `doc.ents` and `doc._.triples` of documents to what an extractor states of their text.

    What an earlier component put into `doc.ents` is replaced. What could not be found in the text or breaks the
    ontology is in `doc.user_data["quarantined"]`: tuples of reason, claim as JSON, detail.
    """

    def __init__(self, settings: PipeSettings, *, name: str = NAME, language: str = "und") -> None:
        self.name = name
        self._language = language
        self._error_handler: ErrorHandler = _raise
        self._extractor: Extractor | None = None
        self._inherited: Extractor | None = None
        self._process = os.getpid()
        self._configure(settings)
        _register_triples()

    @property
    def settings(self) -> PipeSettings:
        """The settings that are in force."""
        return self._settings

    def __call__(self, doc: "Doc") -> "Doc":
        """Annotate one document.

        Raises:
            ModelError: when the extractor fails on the text, or altogether.
        """
        work = self._cut(doc)
        self._annotate(doc, work, self._extract([work]))
        return doc

    def pipe(self, stream: Iterable["Doc"], *, batch_size: int = 64) -> Iterator["Doc"]:
        """Annotate documents, in order; the texts of `batch_size` of them go to the extractor together.

        A failure goes to the error handler, which raises it unless `nlp.set_error_handler` says otherwise.
        """
        from spacy.util import minibatch

        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            works = [self._cut(doc) for doc in docs]
            try:
                found = self._extract(works)
            except KGBuilderError as error:
                self._error_handler(self.name, self, docs, error)
                continue
            for doc, work in zip(docs, works, strict=True):
                try:
                    self._annotate(doc, work, found)
                except ModelError as error:
                    self._error_handler(self.name, self, [doc], error)
                else:
                    yield doc

    def set_error_handler(self, error_handler: ErrorHandler) -> None:
        """Take what `nlp.set_error_handler` is given."""
        self._error_handler = error_handler

    def get_error_handler(self) -> ErrorHandler:
        """Return what is called with documents that cannot be read."""
        return self._error_handler

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the settings as JSON; models and ontology are not part of it. Nothing can be excluded."""
        return self._settings.model_dump_json().encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Take the settings that `to_bytes` gave.

        Raises:
            ConfigError: when they are wrong, here or by now.
        """
        try:
            settings = PipeSettings.model_validate_json(data)
        except ValidationError as error:
            raise _config_error(error, self.name) from error
        self._configure(settings)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the settings to `config.json` in the folder `path`."""
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / _CONFIG_FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Take the settings that `to_disk` wrote.

        Raises:
            ConfigError: when they cannot be read or are wrong.
        """
        file = Path(path) / _CONFIG_FILE
        try:
            data = file.read_bytes()
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            raise ConfigError(what, where=str(file), remedy="save the pipeline again") from error
        return self.from_bytes(data)

    def close(self) -> None:
        """Let go of the extractor's connections and models; the next document loads them anew."""
        if self._extractor is not None and self._process == os.getpid():
            self._extractor.close()
        self._extractor = None

    def __getstate__(self) -> dict[str, object]:
        """Leave models and connections behind: a copy loads its own."""
        return {**self.__dict__, "_extractor": None, "_inherited": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        _register_triples()

    def _configure(self, settings: PipeSettings) -> None:
        """Take settings as a whole, or leave everything as it was."""
        from graph_schema import load_ontology

        ontology = _narrowed(load_ontology(settings.ontology), settings.types, where=f"{self.name}.types")
        # Made here though it is used later: a wrong setting shows when the pipeline is built.
        extractor = _load(settings, ontology)
        self.close()
        self._settings, self._ontology, self._extractor = settings, ontology, extractor
        self._process = os.getpid()

    def _own_extractor(self) -> "Extractor":
        """Return the extractor of this process: threads and sessions do not outlive a fork."""
        if self._process != os.getpid():
            # Kept alive, because letting go of it would wait for threads that are not here.
            self._inherited, self._extractor = self._extractor, None
            self._process = os.getpid()
        if self._extractor is None:
            self._extractor = _load(self._settings, self._ontology)
        return self._extractor

    def _cut(self, doc: "Doc") -> "_Work":
        from kgbuilder.ingest import chunk

        text = doc.text
        document = Document(
            id=content_id("document", text),
            source="",
            name="",
            text=text,
            media_type="text/plain",
            language=self._language,
        )
        return _Work(document=document, chunks=chunk(document))

    def _extract(self, works: Sequence["_Work"]) -> Mapping[str, Extraction]:
        """Ask for each distinct passage once; extractions come in any order and are found by passage."""
        passages = {passage.id: passage for work in works for passage in work.passages()}
        if not passages:
            return {}
        return {found.passage_id: found for found in self._own_extractor().extract(passages.values())}

    def _annotate(self, doc: "Doc", work: "_Work", found: Mapping[str, Extraction]) -> None:
        statements = self._ground(work, found)
        least = self._settings.min_score
        mentions = statements.mentions
        spans = [_typed(mention) for mention in mentions.values() if mention.score >= least]
        set_entities(doc, spans, self._ontology)
        doc.user_data[TRIPLES] = tuple(
            _row(mentions[triple.head], triple, mentions[triple.tail], self._ontology)
            for triple in statements.triples.values()
            if triple.score >= least
        )
        doc.user_data[QUARANTINED] = tuple((q.reason, q.claim, q.detail) for q in statements.quarantined)

    def _ground(self, work: "_Work", found: Mapping[str, Extraction]) -> "_Statements":
        from kgbuilder.extract.ground import ground
        from kgbuilder.ingest import sentences

        statements = _Statements()
        for part, passage in zip(work.chunks, work.passages(), strict=True):
            extraction = self._usable(found.get(part.passage_id), part)
            spans = [(start + part.start, end + part.start) for start, end in sentences(passage.text, part.language)]
            grounded = ground(
                extraction,
                text=passage.text,
                document_id=part.document_id,
                offset=part.start,
                sentences=spans,
                ontology=self._ontology,
            )
            # Chunks overlap by a sentence: what both state is kept once, with the better score.
            _keep_better(statements.mentions, grounded.mentions)
            _keep_better(statements.triples, grounded.triples)
            statements.quarantined += (*extraction.quarantined, *grounded.quarantined)
        return statements

    def _usable(self, extraction: Extraction | None, part: Chunk) -> Extraction:
        """Raise ModelError where there is no answer: a document without one is not one without entities."""
        where = f"{self.name}, characters {part.start} to {part.end} of a document"
        if extraction is None:
            remedy = "every passage needs an extraction: tell the authors of the extractor"
            raise ModelError(f"extractor {self._settings.extractor!r} left it out", where=where, remedy=remedy)
        if extraction.state == "failed":
            failure = extraction.failure
            what, remedy = (failure.what, failure.remedy) if failure else ("the extractor failed", "")
            raise ModelError(what, where=where, remedy=remedy)
        return extraction


def doc_triples(doc: "Doc") -> list[DocTriple]:
    """Return the triples of a document, a new list each time; what `doc._.triples` gives.

    They are made of the rows in `doc.user_data["triples"]`: head start, head end, relation, tail start, tail end; and
    behind these, where the component wrote them, score, label of the head, label of the tail.

    Raises:
        ParseError: when a row lies outside the document.
    """
    return [_triple(doc, *row) for row in doc.user_data.get(TRIPLES, ())]


def set_entities(doc: "Doc", spans: Iterable[TypedSpan], ontology: "Ontology") -> Snapping:
    """Set `doc.ents`: the label is that of the type (Person), `ent_id_` the type's id (PER).

    A span that ends inside a token is widened to it. Entities of spaCy do not overlap: of those that would, the one
    with the higher score stays, then the longer, then the earlier.

    Raises:
        ParseError: when a span lies outside the document.
    """
    widened, left_out = [], []
    taken: set[int] = set()
    entities = []
    for span in sorted(spans, key=lambda span: (-span.score, span.start - span.end, span.start, span.type)):
        entity = _tokens(doc, span.start, span.end, label=_label(span.type, ontology), type_id=span.type)
        if not taken.isdisjoint(range(entity.start, entity.end)):
            left_out.append(span)
            continue
        taken.update(range(entity.start, entity.end))
        entities.append(entity)
        if (entity.start_char, entity.end_char) != (span.start, span.end):
            widened.append(span)
    doc.set_ents(entities, default="outside")
    return Snapping(widened=_in_order(widened), left_out=_in_order(left_out))


class DocFile:
    """Packs annotated texts into one file that `spacy.tokens.DocBin().from_disk` reads.

    What was packed, about 230 bytes a token, is all in memory until it is written: a DocBin is one piece.
    """

    def __init__(self, ontology: "Ontology") -> None:
        from spacy.tokens import DocBin

        self._ontology = ontology
        self._packed = DocBin(attrs=_STORED, store_user_data=True)
        self._pipelines: dict[str, Language] = {}

    def add(self, text: str, *, language: str, spans: Iterable[TypedSpan], user_data: Mapping[str, object]) -> Snapping:
        """Add a text in the tokens of spaCy's blank pipeline for `language`; in Chinese each character is one.

        `spans` go to `doc.ents` as `set_entities` does it; it must be possible to write `user_data` as JSON.
        """
        import spacy

        if language not in self._pipelines:
            self._pipelines[language] = spacy.blank(language)
        doc = self._pipelines[language].make_doc(text)
        snapping = set_entities(doc, spans, self._ontology)
        doc.user_data.update(user_data)
        self._packed.add(doc)
        return snapping

    def write(self, path: Path) -> None:
        """Write what was added.

        Raises:
            ConfigError: when the file cannot be written.
        """
        try:
            self._packed.to_disk(path)
        except OSError as error:
            remedy = "name a file in a folder that is there"
            raise ConfigError(f"cannot be written: {error.strerror}", where=str(path), remedy=remedy) from error


@dataclass(frozen=True, slots=True)
class _Work:
    """A document and the chunks in which it is read."""

    document: Document
    chunks: tuple[Chunk, ...]

    def passages(self) -> Iterator[Passage]:
        from kgbuilder.ingest import passage

        return (passage(self.document, part) for part in self.chunks)


@dataclass(slots=True)
class _Statements:
    """What the chunks of a document state, by id."""

    mentions: dict[str, Mention] = field(default_factory=dict)
    triples: dict[str, Triple] = field(default_factory=dict)
    quarantined: tuple[Quarantined, ...] = ()


def _keep_better(kept: dict[str, _Found], found: Iterable[_Found]) -> None:
    for item in found:
        known = kept.get(item.id)
        if known is None or known.score < item.score:
            kept[item.id] = item


def _typed(mention: Mention) -> TypedSpan:
    return TypedSpan(start=mention.start, end=mention.end, type=mention.label, score=mention.score)


def _in_order(spans: Iterable[TypedSpan]) -> tuple[TypedSpan, ...]:
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _label(type_id: str, ontology: "Ontology") -> str:
    known = ontology.entity_type(type_id)
    return known.label if known else type_id


def _row(head: Mention, triple: Triple, tail: Mention, ontology: "Ontology") -> tuple[int | float | str, ...]:
    offsets = (head.start, head.end, triple.relation, tail.start, tail.end)
    return (*offsets, triple.score, _label(head.label, ontology), _label(tail.label, ontology))


def _triple(  # noqa: PLR0913 - a row as it is stored
    doc: "Doc",
    head_start: int,
    head_end: int,
    relation: str,
    tail_start: int,
    tail_end: int,
    score: float = 1.0,
    head_label: str = "",
    tail_label: str = "",
) -> DocTriple:
    return DocTriple(
        head=_tokens(doc, head_start, head_end, label=head_label),
        relation=relation,
        tail=_tokens(doc, tail_start, tail_end, label=tail_label),
        score=score,
        head_start=head_start,
        head_end=head_end,
        tail_start=tail_start,
        tail_end=tail_end,
    )


def _tokens(doc: "Doc", start: int, end: int, *, label: str, type_id: str = "") -> "Span":
    """Return the whole tokens that hold the code points `start` to `end`."""
    span = doc.char_span(start, end, label=label, span_id=type_id, alignment_mode="expand") if start < end else None
    if span is None:
        what = f"characters {start} to {end} are not in the document, which has {len(doc.text)}"
        raise ParseError(what, where=f"{doc.text[:40]!r}", remedy="offsets count code points of `doc.text`")
    return span


def _load(settings: PipeSettings, ontology: "Ontology") -> "Extractor":
    from kgbuilder.extract import load_extractor

    own = {**_EXTRACTOR_DEFAULTS.get(settings.extractor, {}), **settings.settings}
    return load_extractor(settings.extractor, ontology, own)


def _raise(name: str, pipe: KGBuilderPipe, docs: list["Doc"], error: Exception) -> NoReturn:
    raise error


def _register_triples() -> None:
    """Make `doc._.triples`; raises ConfigError when another package has its own."""
    from spacy.tokens import Doc

    if not Doc.has_extension(TRIPLES):
        Doc.set_extension(TRIPLES, getter=doc_triples)
    elif Doc.get_extension(TRIPLES)[2] is not doc_triples:
        remedy = "remove it with Doc.remove_extension"
        raise ConfigError("another package has an extension of this name", where=f"doc._.{TRIPLES}", remedy=remedy)


def _checked(given: Mapping[str, object], name: str) -> PipeSettings:
    try:
        return PipeSettings.model_validate(given)
    except ValidationError as error:
        raise _config_error(error, name) from error


def _config_error(error: ValidationError, name: str) -> ConfigError:
    places = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors(include_url=False)]
    what = "; ".join(f"{place}: {message}" if place else message for place, message in places)
    return ConfigError(what, where=f"component {name!r}", remedy=f"it has {', '.join(PipeSettings.model_fields)}")


def _narrowed(ontology: "Ontology", names: Sequence[str], *, where: str) -> "Ontology":
    """Return the ontology with these entity types, the kinds of them, and the relations that can stand between them."""
    from graph_schema import Ontology, narrow

    if not names:
        return ontology
    if ontology.open:
        raise ConfigError("an open ontology has no types to choose from", where=where, remedy="name another ontology")
    unknown = [name for name in names if ontology.entity_type(name) is None]
    if unknown:
        what = f"ontology {ontology.name!r} has no entity type {', '.join(map(repr, unknown))}"
        raise ConfigError(what, where=where, remedy=f"use {', '.join(ontology.entity_types)}")
    wanted = [type_.id for name in names if (type_ := ontology.entity_type(name))]
    kept = {id_: type_ for id_, type_ in ontology.entity_types.items() if any(ontology.is_a(id_, w) for w in wanted)}
    relations = []
    for relation in map(ontology.relation_types.__getitem__, narrow(ontology, kept)):
        sides = (
            [id_ for id_ in kept if any(ontology.is_a(id_, w) for w in side)] for side in (relation.head, relation.tail)
        )
        head, tail = map(tuple, sides)
        relations.append(replace(relation, head=head, tail=tail))
    return Ontology.of(ontology.name, kept.values(), relations)
