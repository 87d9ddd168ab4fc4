"""The graph: one class for every server that speaks Bolt. Statements are in graph_schema/cypher, one a file."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self, TypeVar

import orjson

from graph_schema import Migration, migrations, quoted, statement
from kgbuilder.errors import StoreError
from kgbuilder.stores.address import Address
from kgbuilder.stores.batch import DocumentRow, EntityRow, FactRow, GraphBatch, WriteCounts
from kgbuilder.stores.names import SharedNames
from kgbuilder.stores.neo4j import Bolt, QueryResult, TooBigError, Transaction
from kgbuilder.stores.slices import Part, slices

__all__ = ["GraphCounts", "GraphStore", "open_embedded"]

OnStatement = Callable[[str, int], None]
"""Called with the name of every statement that is sent and the rows it carries."""

_SLICE_ROWS = 2000
_CLEAR_ROWS = 2000
_PAGE_ROWS = 2000
_AFTER_EVERY_ID = "\uffff"
_INDEX = {"neo4j": "entity_search", "arcadedb": "Entity[search]"}
_MAX_SEARCH_CHARS = 200
_PLAIN_TERM = re.compile(r"[A-Za-z0-9]+")
_SURROGATES = re.compile("[\ud800-\udfff]")

_Listed = TypeVar("_Listed", DocumentRow, EntityRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCounts:
    """How much is in a graph."""

    documents: int
    chunks: int
    entities: int
    facts: int
    evidence: int


class GraphStore:
    """A graph on Neo4j or ArcadeDB."""

    def __init__(
        self,
        bolt: Bolt,
        *,
        on_statement: OnStatement | None = None,
        slice_rows: int = _SLICE_ROWS,
        release: Callable[[], None] | None = None,
    ) -> None:
        """Use an open connection. `slice_rows` bounds a transaction; `release` is called when the store is closed."""
        self._bolt = bolt
        self._on_statement = on_statement
        self._slice_rows = slice_rows
        self._release = release
        self._has_schema = False
        self._names: SharedNames | None = None

    @classmethod
    def connect(
        cls,
        uri: str,
        *,
        auth: tuple[str, str],
        database: str = "neo4j",
        profile: str = "page",
        on_statement: OnStatement | None = None,
        slice_rows: int = _SLICE_ROWS,
    ) -> Self:
        """Connect to a server by URI. Profile "page" fails in seconds, "worker" rides out a restart.

        Raises StoreError when the server is away, frozen, refuses the password or has no such database; within 10 s.
        """
        address = Address(uri=uri, database=database, user=auth[0], password=auth[1])
        return cls(Bolt(address, profile=profile), on_statement=on_statement, slice_rows=slice_rows)

    def __enter__(self) -> Self:
        """Return the store; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"GraphStore({self._bolt.address.uri!r}, {self.dialect!r})"

    def close(self) -> None:
        """End the connections; an embedded server ends when its last user is gone."""
        self._bolt.close()
        if self._release is not None:
            self._release()

    @property
    def dialect(self) -> Literal["neo4j", "arcadedb"]:
        """What kind of server answers."""
        return self._bolt.dialect

    # --- schema -------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Bring constraints and indexes up to date; nothing happens when they are.

        Raises StoreError when a newer version of this program made the graph.
        """
        version = self._schema_version()
        known = [m for m in migrations() if m.dialect == self.dialect]
        newest = known[-1].version
        if version > newest:
            what = f"the graph has schema version {version}, this program knows {newest}"
            raise StoreError(what, where=self._bolt.address.uri, remedy="use a newer kgbuilder")
        for migration in known[version:]:
            self._apply(migration)
        self._names = self._shared_names()
        self._has_schema = True

    def _schema_version(self) -> int:
        return _int(self._rows("schema_version", {})[0][0] or 0)

    def _apply(self, migration: Migration) -> None:
        for text in migration.statements:
            self._tell("migration", 0)
            if self.dialect == "arcadedb":
                self._bolt.sql(text)
            else:
                self._bolt.run_alone(text)
        self._write_alone("set_schema_version", {"version": migration.version})

    def _shared_names(self) -> SharedNames | None:
        if self.dialect == "neo4j":
            return None
        labels, types = (self._bolt.rows(f"CALL db.{what}()", {}) for what in ("labels", "relationshipTypes"))
        return SharedNames((str(row[0]) for row in labels), (str(row[0]) for row in types))

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, batch: GraphBatch) -> WriteCounts:
        """Write and remove what a batch holds, in transactions of bounded size; doing it again changes nothing.

        Raises StoreError for a key that is missing or both written and removed, and when the server stays away.
        """
        batch.check()
        if not self._has_schema:
            self.migrate()
        counts = WriteCounts()
        for parts in slices(batch, max_rows=self._slice_rows):
            counts += self._write_slice([self._named(part) for part in parts])
        return counts

    def _named(self, part: Part) -> Part:
        """Return a part with the names that this server can take."""
        names = self._names
        if names is None:
            return part
        if part.statement == "entity":
            return part.mapped(lambda label: names.label(str(label)), "node_label")
        if part.statement == "remove_fact":
            return part.mapped(lambda type_: names.type(str(type_)), "type")
        return replace(part, type=names.type(part.type)) if part.type else part

    def _write_slice(self, parts: Sequence[Part]) -> WriteCounts:
        def work(transaction: Transaction) -> WriteCounts:
            counts = WriteCounts(transactions=1)
            for part in parts:
                counts += self._write_part(transaction, part)
            return counts

        try:
            return self._bolt.write(work)
        except TooBigError as error:
            if sum(len(part.rows) for part in parts) == 1:
                what = f"the graph server has too little memory for one {parts[0].statement}"
                raise StoreError(what, where=self._bolt.address.uri, remedy="give it a larger heap") from error
            first, second = _halved(parts)
            return self._write_slice(first) + self._write_slice(second)
        except UnicodeEncodeError:
            # A lone surrogate is no text in any encoding that a server takes.
            return self._write_slice([part.mapped(_without_surrogates) for part in parts])

    def _write_part(self, transaction: Transaction, part: Part) -> WriteCounts:
        rows, n_created = self._send(transaction, part.statement, part.type, part.rows)
        n_sent = len(part.rows)
        n_statements = 1
        if part.statement == "entity" and n_created < n_sent:
            self._send(transaction, "relabel_entity", "", part.rows)
            n_statements += 1
        if part.kind == "removed":
            return WriteCounts(removed=n_sent, statements=n_statements)
        n_matched = _int(rows[0][0])
        written = WriteCounts(unmatched=n_sent - n_matched, statements=n_statements)
        return written + WriteCounts(**{part.kind: n_matched})

    def _send(
        self, transaction: Transaction, name: str, type_: str, rows: Sequence[Mapping[str, object]]
    ) -> tuple[list[tuple[object, ...]], int]:
        text = statement(f"{name}_arcadedb" if name == "fact" and self.dialect == "arcadedb" else name)
        if type_:
            text = text.replace("[r:TYPE]", f"[r:{_quoted(type_)}]")
        self._tell(name, len(rows))
        return transaction.run(text, {"rows": rows})

    def _write_alone(self, name: str, parameters: Mapping[str, object]) -> int:
        def work(transaction: Transaction) -> int:
            self._tell(name, 0)
            rows, _ = transaction.run(statement(name), parameters)
            return _int(rows[0][0])

        return self._bolt.write(work)

    def clear(self) -> None:
        """Remove every document, chunk, entity and fact; the schema and what is not ours stay."""
        if self.dialect == "arcadedb" and self.counts().entities > _CLEAR_ROWS:
            # The version first: whatever happens now, the next writer makes the index again.
            self._write_alone("set_schema_version", {"version": 0})
            self._has_schema = False
            self._bolt.sql(statement("drop_search_arcadedb"))
        for name in ("clear_chunk", "clear_entity", "clear_document"):
            limit = _CLEAR_ROWS
            while True:
                try:
                    if not self._write_alone(name, {"limit": limit}):
                        break
                except TooBigError as error:
                    if limit == 1:
                        what = "the graph server has too little memory to remove one node"
                        raise StoreError(what, where=self._bolt.address.uri, remedy="give it a larger heap") from error
                    limit = max(1, limit // 2)
        if not self._has_schema:
            self.migrate()

    # --- reading ------------------------------------------------------------------------------------------------------

    def counts(self) -> GraphCounts:
        """Count what is in the graph."""
        documents, chunks, entities = self._rows("count_nodes", {})[0]
        facts, evidence = self._rows("count_facts", {})[0]
        return GraphCounts(
            documents=_int(documents),
            chunks=_int(chunks),
            entities=_int(entities),
            facts=_int(facts),
            evidence=_int(evidence or 0),
        )

    def documents(self) -> Iterator[DocumentRow]:
        """Yield all documents by id."""
        return self._listed("list_documents", DocumentRow, self.counts().documents)

    def entities(self) -> Iterator[EntityRow]:
        """Yield all entities by id."""
        return self._listed("list_entities", EntityRow, self.counts().entities)

    def facts(self) -> Iterator[FactRow]:
        """Yield all facts by id. They are sorted on disk, because a server would sort them in memory."""
        with contextlib.closing(sqlite3.connect("")) as disk:
            disk.execute("CREATE TABLE fact (id TEXT PRIMARY KEY, row BLOB) WITHOUT ROWID")
            for rows in self._ranges("list_facts", self.counts().entities):
                disk.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", [(r[0], orjson.dumps(r)) for r in rows])
            names = self._shared_names()
            for (row,) in disk.execute("SELECT row FROM fact ORDER BY id"):
                fact = _fact_row(orjson.loads(row))
                yield replace(fact, type=names.written_type(fact.type)) if names else fact

    def _listed(self, name: str, row_type: type[_Listed], n_rows: int) -> Iterator[_Listed]:
        for rows in self._ranges(name, n_rows):
            for row in rows:
                yield _listed_row(row_type, row)

    def _ranges(self, name: str, n_rows: int) -> Iterator[list[tuple[object, ...]]]:
        """Yield rows range by range of ids, in order: ids are hashes, so equal ranges hold about as many each."""
        n_digits = 0
        while n_rows > _PAGE_ROWS * 16**n_digits:
            n_digits += 1
        bounds = ["", *(f"{n:0{n_digits}x}" for n in range(1, 16**n_digits)), _AFTER_EVERY_ID]
        for low, high in pairwise(bounds):
            yield self._rows(name, {"low": low, "high": high})

    def search(self, text: str, limit: int = 20) -> tuple[EntityRow, ...]:
        """Return entities by name, best first: whole words and their beginnings, else any part of a name."""
        text = _SURROGATES.sub("", text).strip()[:_MAX_SEARCH_CHARS]
        if not text or not self._schema_version():
            return ()
        found: list[tuple[object, ...]] = []
        if len(text) > 1 and (query := _full_text_query(text)):
            index = _INDEX[self.dialect]
            found = self._rows("search_entities", {"index": index, "query": query, "limit": limit})
        if not found:
            found = self._rows("find_entities", {"text": text, "limit": limit})
        return tuple(_listed_row(EntityRow, row) for row in found)

    def read(
        self,
        cypher: str,
        parameters: Mapping[str, object] | None = None,
        *,
        max_rows: int = 1000,
        timeout_s: float = 15.0,
    ) -> QueryResult:
        """Run a query that a person typed, behind every barrier there is against writing and running on.

        Raises QueryRefused when it could write, is wrong or takes too long; StoreError when the server is away.
        """
        self._tell("read", 0)
        return self._bolt.read(cypher, parameters or {}, max_rows=max_rows, timeout_s=timeout_s)

    def _rows(self, name: str, parameters: Mapping[str, object]) -> list[tuple[object, ...]]:
        self._tell(name, 0)
        return self._bolt.rows(statement(name), parameters)

    def _tell(self, name: str, n_rows: int) -> None:
        if self._on_statement is not None:
            self._on_statement(name, n_rows)


def open_embedded(
    folder: Path,
    *,
    profile: str = "page",
    heap: str = "1g",
    idle_s: float = 180.0,
    on_statement: OnStatement | None = None,
    slice_rows: int = _SLICE_ROWS,
) -> GraphStore:
    """Open the embedded graph of `folder`; its server is started, or joined when another process has started it.

    It ends when nobody has used it for `idle_s` seconds. Raises StoreError when it cannot be started.
    """
    try:
        from kgbuilder.stores.embedded import Lease
    except ModuleNotFoundError as error:  # fcntl: not on Windows
        raise StoreError(
            "the embedded graph server runs on Linux and macOS", remedy="set store.uri to a Neo4j"
        ) from error
    lease = Lease(folder, heap=heap, idle_s=idle_s)
    try:
        bolt = Bolt(lease.address, profile=profile, relocate=lease.renew)
    except StoreError:
        lease.close()
        raise
    return GraphStore(bolt, on_statement=on_statement, slice_rows=slice_rows, release=lease.close)


def _full_text_query(text: str) -> str:
    """Return a Lucene query that wants every word: as a phrase, or as the beginning of a word where it is plain."""
    words = []
    wanted = [word for word in text.split() if len(word) > 1] or text.split()
    for word in wanted:
        phrase = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        words.append(f"({phrase} OR {word.lower()}*)" if _PLAIN_TERM.fullmatch(word) else phrase)
    return " AND ".join(words)


def _listed_row(row_type: type[_Listed], row: Sequence[object]) -> _Listed:
    values = dict(zip((field.name for field in fields(row_type)), row, strict=True))
    if "aliases" in values:
        values["aliases"] = tuple(values["aliases"] or ())  # type: ignore[arg-type]
    return row_type(**values)  # type: ignore[arg-type]


def _fact_row(row: Sequence[object]) -> FactRow:
    values = (tuple(value) if isinstance(value, list) else value for value in row)
    return FactRow(**dict(zip((field.name for field in fields(FactRow)), values, strict=True)))  # type: ignore[arg-type]


def _halved(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Split parts into two lists with half of the rows each, in order."""
    left = sum(len(part.rows) for part in parts) // 2
    first: list[Part] = []
    second: list[Part] = []
    for part in parts:
        n_first = min(left, len(part.rows))
        left -= n_first
        if n_first:
            first.append(replace(part, rows=part.rows[:n_first]))
        if n_first < len(part.rows):
            second.append(replace(part, rows=part.rows[n_first:]))
    return first, second


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, tuple):
        return tuple(map(_without_surrogates, value))
    return value


def _quoted(type_: str) -> str:
    try:
        return quoted(type_)
    except ValueError as error:
        what = f"not a relationship type: {type_!r}"
        raise StoreError(what, where="facts", remedy="use graph_schema.relationship_type") from error


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
