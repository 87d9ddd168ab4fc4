"""Write the graph to files: the canonical JSON lines, and forms that other programs read.

Entities and facts are read from the graph store, texts from the ledger; so the canonical export proves what the store
holds, and equal exports mean equal graphs.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, TypedDict

import orjson

from graph_schema import Ontology, quoted
from kgbuilder.errors import ConfigError, StoreError
from kgbuilder.ids import sha256_text
from kgbuilder.ledger import Ledger, derived
from kgbuilder.stores import FactRow, GraphStore

__all__ = ["FORMATS", "Exported", "canonical_sha256", "export"]

FORMATS = ("jsonl", "csv", "graphml", "cypher", "jsonld")


class EvidenceJson(TypedDict):
    """One place that states a fact."""

    document: str
    start: int
    end: int
    quote: str
    extractor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The files that were written and the sha256 of their bytes, one after the other."""

    files: tuple[Path, ...]
    sha256: str


def export(ledger: Ledger, store: GraphStore, ontology: Ontology, format_name: str, folder: Path) -> Exported:
    """Write the graph in one of `FORMATS` to `folder`.

    Raises ConfigError for an unknown format, StoreError when the folder cannot be written or the graph lags behind.
    """
    writers = {"jsonl": _jsonl, "csv": _csv, "graphml": _graphml, "cypher": _cypher, "jsonld": _jsonld}
    if format_name not in writers:
        raise ConfigError(f"unknown format {format_name!r}", where="--format", remedy=f"one of {', '.join(FORMATS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = writers[format_name](ledger, store, ontology, folder)
    except OSError as error:
        raise StoreError(
            f"cannot be written: {error.strerror}", where=str(error.filename or folder), remedy="choose another --out"
        ) from error
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return Exported(files=tuple(files), sha256=digest.hexdigest())


def canonical_sha256(ledger: Ledger, store: GraphStore) -> str:
    """Return the sha256 of the canonical export without writing it."""
    digest = hashlib.sha256()
    for lines in (_document_lines(ledger, store), _entity_lines(store), _fact_lines(ledger, store)):
        for line in lines:
            digest.update(line)
    return digest.hexdigest()


def _line(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _document_lines(ledger: Ledger, store: GraphStore) -> Iterator[bytes]:
    for row in store.documents():
        with ledger.reading() as connection:
            text = ledger.text(connection, row.id)
        yield _line({"id": row.id, "source": row.source, "sha256": sha256_text(text), "text": text})


def _entity_lines(store: GraphStore) -> Iterator[bytes]:
    for row in store.entities():
        yield _line({"id": row.id, "label": row.label_id, "name": row.name, "aliases": row.aliases})


def _fact_lines(ledger: Ledger, store: GraphStore) -> Iterator[bytes]:
    for row in store.facts():
        yield _line(
            {
                "id": row.id,
                "head": row.head,
                "relation": row.relation_id,
                "tail": row.tail,
                "score": row.score,
                "status": row.status,
                "evidence": _evidence(ledger, row),
            }
        )


def _evidence(ledger: Ledger, row: FactRow) -> list[EvidenceJson]:
    if row.n_evidence > len(row.evidence_documents):
        with ledger.reading() as connection:
            nodes = derived.members(connection, [row.head, row.tail])
            if row.head not in nodes or row.tail not in nodes:
                raise StoreError(
                    "the graph lags behind the ledger", where=f"fact {row.id}", remedy="run kgbuilder build"
                )
            triples = derived.triples_between(connection, nodes[row.head], row.relation_id, nodes[row.tail])
        triples.sort(key=lambda t: (t.document_id, t.start, t.end, t.id))
        return [
            EvidenceJson(document=t.document_id, start=t.start, end=t.end, quote=t.quote, extractor=t.extractor_id)
            for t in triples
        ]
    places = zip(
        row.evidence_documents,
        row.evidence_starts,
        row.evidence_ends,
        row.evidence_quotes,
        row.evidence_extractors,
        strict=True,
    )
    return [EvidenceJson(document=d, start=s, end=e, quote=q, extractor=x) for d, s, e, q, x in places]


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(lines)
    return path


def _jsonl(ledger: Ledger, store: GraphStore, _: Ontology, folder: Path) -> list[Path]:
    return [
        _write(folder / "documents.jsonl", _document_lines(ledger, store)),
        _write(folder / "entities.jsonl", _entity_lines(store)),
        _write(folder / "facts.jsonl", _fact_lines(ledger, store)),
    ]


def _csv(ledger: Ledger, store: GraphStore, _: Ontology, folder: Path) -> list[Path]:
    entities, facts, evidence = (folder / f"{name}.csv" for name in ("entities", "facts", "evidence"))
    with _table(entities) as file:
        writer = csv.writer(file)
        writer.writerow(("id", "label", "name", "aliases", "value", "n_mentions"))
        for e in store.entities():
            aliases = orjson.dumps(e.aliases).decode()
            writer.writerow([_cell(v) for v in (e.id, e.label_id, e.name, aliases, e.value or "", e.n_mentions)])
    with _table(facts) as file, _table(evidence) as places:
        writer, second = csv.writer(file), csv.writer(places)
        writer.writerow(("id", "head", "relation", "tail", "score", "status", "n_evidence"))
        second.writerow(("fact", "document", "start", "end", "quote", "extractor"))
        for f in store.facts():
            writer.writerow([_cell(v) for v in (f.id, f.head, f.relation_id, f.tail, f.score, f.status, f.n_evidence)])
            for place in _evidence(ledger, f):
                second.writerow([f.id, *(_cell(value) for value in place.values())])
    return [entities, facts, evidence]


def _table(path: Path) -> IO[str]:
    # The mark at the start makes spreadsheet programs read UTF-8.
    return path.open("w", encoding="utf-8-sig", newline="")


def _cell(value: object) -> object:
    # A spreadsheet takes a cell that begins so for a formula and runs it; the quote makes it text.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _graphml(_: Ledger, store: GraphStore, __: Ontology, folder: Path) -> list[Path]:
    from kgbuilder.analyze import build_graph, to_graphml

    path = folder / "graph.graphml"
    entities = (_Entity(e.id, e.label_id, e.name) for e in store.entities())
    facts = (_Fact(f.id, f.head, f.relation_id, f.tail, f.score, f.status) for f in store.facts())
    to_graphml(build_graph(entities, facts), path)
    return [path]


class _Entity(NamedTuple):
    id: str
    label: str
    name: str


class _Fact(NamedTuple):
    id: str
    head: str
    relation: str
    tail: str
    score: float
    status: str


def _cypher(ledger: Ledger, store: GraphStore, ontology: Ontology, folder: Path) -> list[Path]:
    def lines() -> Iterator[bytes]:
        for e in store.entities():
            values = {"id": e.id, "name": e.name, "aliases": list(e.aliases), "value": e.value}
            yield f"MERGE (n:Entity {{id: {_literal(e.id)}}}) SET n:{quoted(e.label)}, n += {_map(values)};\n".encode()
        for f in store.facts():
            places = _evidence(ledger, f)
            told: dict[str, object] = {
                "id": f.id,
                "score": f.score,
                "status": f.status,
                "n_evidence": f.n_evidence,
                "evidence_documents": [p["document"] for p in places],
                "evidence_starts": [p["start"] for p in places],
                "evidence_ends": [p["end"] for p in places],
                "evidence_quotes": [p["quote"] for p in places],
            }
            yield (
                f"MATCH (a:Entity {{id: {_literal(f.head)}}}) MATCH (b:Entity {{id: {_literal(f.tail)}}}) "
                f"MERGE (a)-[r:{quoted(f.type)}]->(b) SET r += {_map(told)};\n"
            ).encode()

    return [_write(folder / "graph.cypher", lines())]


def _map(values: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{name}: {_literal(value)}" for name, value in values.items() if value is not None) + "}"


def _literal(value: object) -> str:
    """Write a value as a Cypher literal; JSON's escapes are a subset of Cypher's."""
    return orjson.dumps(value).decode()


def _jsonld(ledger: Ledger, store: GraphStore, ontology: Ontology, folder: Path) -> list[Path]:
    context = {
        "kg": "urn:kgbuilder:",
        "name": "kg:name",
        "aliases": {"@id": "kg:alias", "@container": "@set"},
        "evidence": {"@id": "kg:evidence", "@container": "@set"},
        "head": {"@id": "kg:head", "@type": "@id"},
        "relation": {"@id": "kg:relation", "@type": "@id"},
        "tail": {"@id": "kg:tail", "@type": "@id"},
    }

    def lines() -> Iterator[bytes]:
        yield b'{"@context": ' + orjson.dumps(context) + b', "@graph": ['
        comma = b"\n"
        for e in store.entities():
            node = {"@id": f"kg:{e.id}", "@type": f"kg:{e.label}", "name": e.name, "aliases": e.aliases}
            yield comma + orjson.dumps(node)
            comma = b",\n"
        for f in store.facts():
            fact = {
                "@id": f"kg:{f.id}",
                "@type": "kg:Fact",
                "head": f"kg:{f.head}",
                "relation": f"kg:{f.relation_id}",
                "tail": f"kg:{f.tail}",
                "kg:score": f.score,
                "evidence": [{f"kg:{key}": value for key, value in p.items()} for p in _evidence(ledger, f)],
            }
            yield comma + orjson.dumps(fact)
            comma = b",\n"
        yield b"\n]}\n"

    return [_write(folder / "graph.jsonld", lines())]
