"""Annotations apart from their texts: what may lie in the repository about sentences that may not.

A line of `standoff/NAME.jsonl` holds `ref` (source:id of a public row), `hash` (the first 12 hex digits of the sha256
of its text), `mentions` as [start, end, type, entity] with offsets into that text, `triples` as [head, relation, tail],
and, where needed, `accepted` rules. People write `source:id<TAB>marked line`; the text they mark must be the row's.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ConfigError
from kgbuilder.ids import sha256_text
from training.data.lines import read_lines
from training.data.marked import format_line, marked_lines, parse_line
from training.data.mistakes import CorpusError, Mistake, refuse
from training.data.records import AnnotatedPassage, Annotation, Mention, Triple
from training.data.rows import Texts
from training.data.validate import validate

__all__ = [
    "REAL",
    "join_text",
    "marked_ref",
    "read_marked_refs",
    "read_standoff",
    "standoff_line",
    "standoff_refs",
    "text_hash",
    "write_standoff",
]

REAL = "real"
"""The source of sentences of public rows that this project annotated; their ids are the references of the rows."""

_HASH_CHARS = 12


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ref: str
    hash: str
    mentions: list[tuple[int, int, str, int]] = []
    triples: list[tuple[int, str, int]] = []
    accepted: list[str] = []


def text_hash(text: str) -> str:
    """Return the short hash by which a text is known again."""
    return sha256_text(text)[:_HASH_CHARS]


def standoff_line(passage: AnnotatedPassage) -> str:
    """Write a passage whose id is its reference as a line of standoff JSON, without its text."""
    record: dict[str, object] = {
        "ref": passage.id,
        "hash": text_hash(passage.text),
        "mentions": [[m.start, m.end, m.type, m.entity] for m in passage.mentions],
        "triples": [[t.head, t.relation, t.tail] for t in passage.triples],
    }
    if passage.accepted:
        record["accepted"] = sorted(passage.accepted)
    return json.dumps(record, ensure_ascii=False)


def read_marked_refs(path: Path, texts: Texts, *, ontology: Ontology | None = None) -> tuple[AnnotatedPassage, ...]:
    """Read lines `source:id<TAB>marked line`; id of a passage is its reference, offsets count in the text of the row.

    Raises:
        CorpusError: with every mistake: form, annotation, a row that is missing or has another text, a reference twice.
        IngestError: when the file cannot be read.
    """
    mistakes: list[Mistake] = []
    passages: dict[str, AnnotatedPassage] = {}
    for where, line, accepted in marked_lines(path):
        ref, tab, marked = line.partition("\t")
        if not tab:
            remedy = "write source:id, a tab, and the marked line"
            mistakes.append(Mistake(where=where, what="there is no tab", remedy=remedy))
            continue
        try:
            annotation = parse_line(marked, where=where, ontology=ontology)
            text, language = _row_text(ref, texts, where)
            if ref in passages:
                what = f"{ref} stands at {passages[ref].where} already"
                raise CorpusError([Mistake(where=where, what=what, remedy="keep one of the two")])
            passages[ref] = replace(join_text(annotation, ref, text, language, where), accepted=accepted)
        except CorpusError as error:
            mistakes.extend(error.mistakes)
    refuse(mistakes)
    return tuple(passages.values())


def join_text(annotation: Annotation, ref: str, text: str, language: str, where: str) -> AnnotatedPassage:
    """Lay an annotation over the text of its row, which may have white space at its ends that a line has not.

    Raises:
        CorpusError: when the texts differ otherwise.
    """
    if annotation.text != text.strip():
        at = _first_difference(annotation.text, text.strip())
        what = f"the text differs from {ref} at character {at}: {annotation.text[at : at + 12]!r}"
        remedy = f"the row has {text.strip()[at : at + 12]!r}; copy it as it stands"
        raise CorpusError([Mistake(where=where, what=what, remedy=remedy)])
    shift = len(text) - len(text.lstrip())
    return AnnotatedPassage(
        id=ref,
        language=language,
        source=REAL,
        text=text,
        mentions=tuple(replace(m, start=m.start + shift, end=m.end + shift) for m in annotation.mentions),
        triples=annotation.triples,
        where=where,
    )


def marked_ref(passage: AnnotatedPassage) -> str:
    """Write a passage as `source:id<TAB>marked line`, for people to mend."""
    shift = len(passage.text) - len(passage.text.lstrip())
    mentions = tuple(replace(m, start=m.start - shift, end=m.end - shift) for m in passage.mentions)
    annotation = Annotation(text=passage.text.strip(), mentions=mentions, triples=passage.triples)
    return f"{passage.id}\t{format_line(annotation)}"


def read_standoff(path: Path, texts: Texts, *, ontology: Ontology | None = None) -> tuple[AnnotatedPassage, ...]:
    """Join the lines of a standoff file with the texts of their rows.

    Raises:
        CorpusError: with every mistake: form, annotation, a row that is missing or has another text.
        IngestError: when the file cannot be read.
    """
    known = ontology or load_ontology("general")
    mistakes: list[Mistake] = []
    passages = []
    for where, line in _records(path, mistakes):
        try:
            text, language = _row_text(line.ref, texts, where)
            passages.append(_joined(line, text, language, known, where))
        except CorpusError as error:
            mistakes.extend(error.mistakes)
    refuse(mistakes)
    return tuple(passages)


def standoff_refs(path: Path) -> tuple[str, ...]:
    """Return the references of a standoff file in order; no text is needed.

    Raises:
        CorpusError: with every line that is no standoff.
        IngestError: when the file cannot be read.
    """
    mistakes: list[Mistake] = []
    refs = tuple(line.ref for _, line in _records(path, mistakes))
    refuse(mistakes)
    return refs


def write_standoff(path: Path, passages: Iterable[AnnotatedPassage]) -> int:
    """Write passages as a standoff file and return their number; the file is replaced as a whole."""
    lines = [f"{standoff_line(passage)}\n" for passage in passages]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def _records(path: Path, mistakes: list[Mistake]) -> Iterator[tuple[str, _Line]]:
    seen: dict[str, str] = {}
    for number, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            remedy = "write it with `python -m training corpus standoff`"
            mistakes.append(
                Mistake(where=where, what=f"this is no standoff: {error.errors()[0]['msg']}", remedy=remedy)
            )
            continue
        if line.ref in seen:
            what = f"{line.ref} stands at {seen[line.ref]} already"
            mistakes.append(Mistake(where=where, what=what, remedy="keep one of the two"))
            continue
        seen[line.ref] = where
        yield where, line


def _row_text(ref: str, texts: Texts, where: str) -> tuple[str, str]:
    source, colon, id_ = ref.partition(":")
    if not colon:
        remedy = "write source:id, as in uner_zh.train:batch-0001-0002"
        raise CorpusError([Mistake(where=where, what=f"{ref!r} is no reference", remedy=remedy)])
    try:
        found = texts.find(source, id_)
    except ConfigError as error:
        raise CorpusError([Mistake(where=where, what=f"{ref}: {error.what}", remedy=error.remedy)]) from error
    if found is None:
        remedy = "correct the reference, or get the version of the data that has it"
        what = f"the row {id_!r} is not in {source}.jsonl of {texts.folder}"
        raise CorpusError([Mistake(where=where, what=what, remedy=remedy)])
    return found


def _joined(line: _Line, text: str, language: str, ontology: Ontology, where: str) -> AnnotatedPassage:
    if text_hash(text) != line.hash:
        what = f"the text of {line.ref} differs from the one that was annotated"
        remedy = "get the version of the data that was annotated, or annotate this text again"
        raise CorpusError([Mistake(where=where, what=what, remedy=remedy)])
    mentions = tuple(Mention(start=start, end=end, type=type_, entity=id_) for start, end, type_, id_ in line.mentions)
    triples = tuple(Triple(head=head, relation=relation, tail=tail) for head, relation, tail in line.triples)
    refuse([*validate(Annotation(text=text, mentions=mentions, triples=triples), ontology, where)])
    return AnnotatedPassage(
        id=line.ref,
        language=language,
        source=REAL,
        text=text,
        mentions=mentions,
        triples=triples,
        where=where,
        accepted=frozenset(line.accepted),
    )


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
