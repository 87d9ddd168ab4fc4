"""The ledger: documents, what models answered, and what people decided. Only ever added to.

One process writes at a time: `writing` takes the lock of the workspace for one short transaction, so a build, the app
and the command line take turns batch by batch.
"""

import contextlib
import datetime
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from kgbuilder.errors import KGBuilderError, ParseError, StoreError
from kgbuilder.ids import content_id, sha256_text
from kgbuilder.ledger import codec
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import IN_ROWS, batches, insert_ignore, lock, mark, open_engine, server_lock, store_errors
from kgbuilder.records import (
    Chunk,
    Document,
    Extraction,
    Failure,
    MentionClaim,
    PageSpan,
    Quarantined,
    Reply,
    TripleClaim,
)

__all__ = ["Event", "Ledger", "Reading", "now"]

_LOCK_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the ledger; `payload` is a JSON object, `seq` its place in the order."""

    seq: int
    id: str
    kind: str
    payload: Mapping[str, object]
    author: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A document as one source gives it now, cut into chunks, and the extractor that reads them."""

    document: Document
    chunks: tuple[Chunk, ...]
    extractor_id: str
    max_tokens: int
    overlap_sentences: int


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond."""
    return datetime.datetime.now(datetime.UTC).isoformat()


class Ledger:
    """The append-only truth of a workspace, and the tables derived from it."""

    def __init__(self, engine: sa.Engine, lock_path: Path) -> None:
        self._engine = engine
        self._lock_path = lock_path
        self.where = engine.url.render_as_string(hide_password=True)

    @classmethod
    def open(cls, url: str, *, lock_path: Path) -> "Ledger":
        """Open and migrate the ledger at `url`; `lock_path` is the file that writers of this workspace share."""
        return cls(open_engine(url), lock_path)

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def writing(self, holder: str = "a writer") -> Iterator[sa.Connection]:
        """Hold the write lock and a transaction; all of it is committed, or nothing."""
        alone = self._alone(self._lock_path, wait_s=_LOCK_WAIT_S, holder=holder)
        with alone, store_errors(self.where), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Hold a read transaction: one state of the ledger, whoever writes meanwhile."""
        with store_errors(self.where), self._engine.connect() as connection:
            connection.execution_options(kgbuilder_reading=True)
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextlib.contextmanager
    def building(self, holder: str, *, wait: bool) -> Iterator[None]:
        """Hold the build lock: one build of a workspace at a time. Raises StoreError at once unless `wait`."""
        path = self._lock_path.with_name("build.lock")
        with self._alone(path, wait_s=float("inf") if wait else 0.0, holder=holder):
            yield

    @contextlib.contextmanager
    def projecting(self, holder: str = "a projection") -> Iterator[None]:
        """Hold the projection lock, so that an older state never overwrites a newer one in the graph."""
        with self._alone(self._lock_path.with_name("project.lock"), wait_s=float("inf"), holder=holder):
            yield

    @contextlib.contextmanager
    def _alone(self, path: Path, *, wait_s: float, holder: str) -> Iterator[None]:
        """Hold a lock among the processes of this machine and, with a database server, among those of all machines."""
        with lock(path, wait_s=wait_s, holder=holder), server_lock(self._engine, path.name, wait_s=wait_s):
            yield

    # --- documents ----------------------------------------------------------------------------------------------------

    def is_registered(self, readings: Sequence[Reading]) -> bool:
        """Say whether every reading stands already as it is, so that `register` would write nothing."""
        with self.reading() as connection:
            names = [r.document.source for r in readings]
            sources = _rows_by(connection, t.source, t.source.c.source, names)
            known = _rows_by(connection, t.reading, t.reading.c.document_id, [r.document.id for r in readings])
            failed = _rows_by(connection, t.failure, t.failure.c.source, names)
        return not failed and all(
            sources.get(r.document.source, {}).get("document_id") == r.document.id
            and r.document.id in known
            and _settings(r) == _held_settings(known[r.document.id])
            for r in readings
        )

    def unchanged(self, sources: Mapping[str, str]) -> set[str]:
        """Return which sources were read whole when they had the stamp that is given for them."""
        with self.reading() as connection:
            held = _rows_by(connection, t.seen, t.seen.c.source, sources)
        return {source for source, row in held.items() if row["stamp"] == sources[source]}

    def put_stamps(self, connection: sa.Connection, stamps: Mapping[str, str]) -> None:
        """Remember the stamps of sources that were read whole."""
        for names in batches(stamps, IN_ROWS):
            connection.execute(sa.delete(t.seen).where(t.seen.c.source.in_(names)))
        if stamps:
            connection.execute(sa.insert(t.seen), [{"source": s, "stamp": stamp} for s, stamp in stamps.items()])

    def register(self, connection: sa.Connection, readings: Sequence[Reading], *, author: str) -> list[str]:
        """Record what the sources hold now; return the documents that no source holds any more.

        A reading that stands already writes nothing. A new extractor or chunking puts the document's chunks back to
        pending.
        """
        sources = _rows_by(connection, t.source, t.source.c.source, [r.document.source for r in readings])
        known = _rows_by(connection, t.reading, t.reading.c.document_id, [r.document.id for r in readings])
        left: dict[str, None] = {}
        held_anew: set[str] = set()
        for source in sorted(
            _rows_by(connection, t.failure, t.failure.c.source, [r.document.source for r in readings])
        ):
            self.drop_failure(connection, source)
        for reading in readings:
            held = sources.get(reading.document.source)
            stands = known.get(reading.document.id)
            settings = _settings(reading)
            if held and held["document_id"] == reading.document.id and stands and settings == _held_settings(stands):
                continue
            self._put_document(connection, reading.document)
            event = {"source": reading.document.source, "document": reading.document.id, **settings}
            if held and held["document_id"] != reading.document.id:
                left[str(held["document_id"])] = None
                self.append(connection, "revise", {**event, "replaces": held["document_id"]}, author=author)
            else:
                self.append(connection, "add", event, author=author)
            _hold(connection, reading.document.source, reading.document.id)
            held_anew.add(reading.document.id)
            if not stands or settings != _held_settings(stands):
                _put_reading(connection, reading, settings)
            sources[reading.document.source] = {"document_id": reading.document.id}
            known[reading.document.id] = {"document_id": reading.document.id, **settings}
        _mark_documents(connection, {*held_anew, *left})
        return [document for document in left if not self.sources(connection, document)]

    def _put_document(self, connection: sa.Connection, document: Document) -> None:
        pages = [[p.start, p.end, p.page, p.box] for p in document.pages]
        row: dict[str, object] = {
            "id": document.id,
            "name": document.name,
            "media_type": document.media_type,
            "language": document.language,
            "sha256": sha256_text(document.text),
            "n_chars": len(document.text),
            "text": _storable(document.text),
            "pages": zlib.compress(orjson.dumps(pages), 1),
            "warnings": orjson.dumps(document.warnings).decode(),
        }
        insert_ignore(connection, t.document, [row])

    def remove(self, connection: sa.Connection, document_id: str, *, author: str) -> None:
        """Record that no source holds the document any more; its text and replies stay in the ledger."""
        sources = self.sources(connection, document_id)
        self.append(connection, "delete", {"document": document_id, "sources": sources}, author=author)
        self._forget_stamps(connection, sources)
        connection.execute(sa.delete(t.source).where(t.source.c.document_id == document_id))

    def release(self, connection: sa.Connection, file: str, lines: Collection[int], *, author: str) -> list[str]:
        """Let go of the documents that a file of many was read without; return those that no source holds any more.

        `lines` has the hash of every source that the file has now.
        """
        beneath = sa.select(t.source).where(t.source.c.source.startswith(f"{file}#", autoescape=True))
        # LIKE takes A for a.
        gone = {
            row.source: row.document_id
            for row in connection.execute(beneath)
            if row.source.startswith(f"{file}#") and hash(row.source) not in lines
        }
        if not gone:
            return []
        self.append(connection, "release", {"sources": sorted(gone)}, author=author)
        for names in batches(gone, IN_ROWS):
            connection.execute(sa.delete(t.source).where(t.source.c.source.in_(names)))
        left = [document for document in dict.fromkeys(gone.values()) if not self.sources(connection, document)]
        _mark_documents(connection, set(gone.values()).difference(left))
        return left

    def _forget_stamps(self, connection: sa.Connection, sources: Iterable[str]) -> None:
        # A document of many in one file has the file's name before the sign.
        files = (name for source in sources for name in (source, source.rpartition("#")[0]))
        for names in batches(files, IN_ROWS):
            connection.execute(sa.delete(t.seen).where(t.seen.c.source.in_(names)))

    def rebuild_readings(self, connection: sa.Connection, cut: Callable[[Document, int, int], Iterable[Chunk]]) -> None:
        """Empty every derived table and take sources, readings and chunks again from the events.

        `cut` makes the chunks of a document from (document, max_tokens, overlap_sentences).
        """
        for table in t.DERIVED:
            connection.execute(sa.delete(table))
        holdings = _Holdings()
        for event in self.events(connection, kinds=("add", "revise", "release", "delete")):
            holdings.take(event)
        for source, document_id in sorted(holdings.sources.items()):
            _hold(connection, source, document_id)
        for document_id in sorted(holdings.settings):
            reading = self._last_reading(connection, document_id, holdings.settings[document_id], cut)
            _put_reading(connection, reading, _settings(reading))

    def _last_reading(
        self,
        connection: sa.Connection,
        document_id: str,
        settings: Sequence[Mapping[str, object]],
        cut: Callable[[Document, int, int], Iterable[Chunk]],
    ) -> Reading:
        """Return the latest reading of a document that was answered whole; the latest of all when none was."""
        document = self.document(connection, document_id)
        latest: Reading | None = None
        for own in reversed(settings):
            max_tokens, overlap = int(str(own["max_tokens"])), int(str(own["overlap_sentences"]))
            reading = Reading(
                document=document,
                chunks=tuple(cut(document, max_tokens, overlap)),
                extractor_id=str(own["extractor_id"]),
                max_tokens=max_tokens,
                overlap_sentences=overlap,
            )
            latest = latest or reading
            passages = {c.passage_id for c in reading.chunks}
            if len(settings) == 1 or len(self.attempt_states(connection, reading.extractor_id, passages)) == len(
                passages
            ):
                if reading is not latest:
                    self._forget_stamps(connection, self.sources(connection, document_id))
                return reading
        assert latest is not None
        return latest

    def sources(self, connection: sa.Connection, document_id: str) -> list[str]:
        """List the sources that hold a document now, sorted."""
        rows = connection.execute(sa.select(t.source.c.source).where(t.source.c.document_id == document_id))
        return sorted(rows.scalars())

    def document(self, connection: sa.Connection, document_id: str) -> Document:
        """Return one document with its text. Raises StoreError when the ledger has none of that id."""
        row = connection.execute(sa.select(t.document).where(t.document.c.id == document_id)).mappings().first()
        if row is None:
            raise StoreError("no such document", where=document_id, remedy="kgbuilder status lists the documents")
        sources = self.sources(connection, document_id)
        return Document(
            id=row["id"],
            source=sources[0] if sources else "",
            name=row["name"],
            text=row["text"],
            media_type=row["media_type"],
            language=row["language"],
            pages=tuple(
                PageSpan(start=start, end=end, page=page, box=tuple(box) if box else None)
                for start, end, page, box in orjson.loads(zlib.decompress(row["pages"]))
            ),
            warnings=tuple(orjson.loads(row["warnings"])),
        )

    def text(self, connection: sa.Connection, document_id: str) -> str:
        """Return the text of a document. Raises StoreError when the ledger has none of that id."""
        text = connection.execute(sa.select(t.document.c.text).where(t.document.c.id == document_id)).scalar()
        if text is None:
            raise StoreError("no such document", where=document_id, remedy="kgbuilder status lists the documents")
        return str(text)

    # --- what models answered -----------------------------------------------------------------------------------------

    def put_extractor(self, connection: sa.Connection, extractor_id: str, *, name: str, ontology: str) -> None:
        """Record which extractor a fingerprint stands for."""
        insert_ignore(connection, t.extractor, [{"id": extractor_id, "name": name, "ontology": ontology, "at": now()}])

    def put_attempts(self, connection: sa.Connection, extractions: Sequence[Extraction]) -> None:
        """Add what an extractor answered; the latest attempt at a passage counts, the earlier ones stay."""
        if extractions:
            connection.execute(sa.insert(t.attempt), [_attempt_row(e) for e in extractions])

    def attempts(
        self, connection: sa.Connection, extractor_id: str, passage_ids: Iterable[str]
    ) -> dict[str, Extraction]:
        """Return the latest attempt of an extractor at each of the passages that it has been asked."""
        found: dict[str, Extraction] = {}
        for ids in batches(passage_ids, IN_ROWS):
            rows = connection.execute(
                sa.select(t.attempt)
                .where(t.attempt.c.extractor_id == extractor_id, t.attempt.c.passage_id.in_(ids))
                .order_by(t.attempt.c.seq)
            )
            found.update((row.passage_id, _extraction(row)) for row in rows)
        return found

    def attempt_states(
        self, connection: sa.Connection, extractor_id: str, passage_ids: Iterable[str]
    ) -> dict[str, str]:
        """Return the state of the latest attempt at each passage that has been asked, without reading the replies."""
        found: dict[str, str] = {}
        columns = (t.attempt.c.passage_id, t.attempt.c.state)
        for ids in batches(passage_ids, IN_ROWS):
            rows = connection.execute(
                sa.select(*columns)
                .where(t.attempt.c.extractor_id == extractor_id, t.attempt.c.passage_id.in_(ids))
                .order_by(t.attempt.c.seq)
            )
            found.update((row.passage_id, row.state) for row in rows)
        return found

    # --- events -------------------------------------------------------------------------------------------------------

    def append(self, connection: sa.Connection, kind: str, payload: Mapping[str, object], *, author: str) -> str:
        """Add an event and return its id."""
        at = now()
        body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
        event_id = content_id("event", kind, body, author, at)
        connection.execute(
            sa.insert(t.event), [{"id": event_id, "kind": kind, "payload": body, "author": author, "at": at}]
        )
        return event_id

    def append_once(
        self, connection: sa.Connection, kind: str, payloads: Iterable[Mapping[str, object]], *, author: str
    ) -> None:
        """Add events that the payload alone identifies: one that stands already is not added again."""
        rows: list[dict[str, object]] = []
        for payload in payloads:
            body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
            rows.append(
                {"id": content_id("event", kind, body), "kind": kind, "payload": body, "author": author, "at": now()}
            )
        if rows:
            insert_ignore(connection, t.event, rows)

    def events(self, connection: sa.Connection, *, after: int = 0, kinds: Iterable[str] = ()) -> Iterator[Event]:
        """Yield the events after `after` in order, of the given kinds or of all."""
        query = sa.select(t.event).where(t.event.c.seq > after).order_by(t.event.c.seq)
        if kinds := list(kinds):
            query = query.where(t.event.c.kind.in_(kinds))
        for row in connection.execute(query):
            yield Event(
                seq=row.seq, id=row.id, kind=row.kind, payload=orjson.loads(row.payload), author=row.author, at=row.at
            )

    def last_event(self, connection: sa.Connection, kinds: Iterable[str]) -> tuple[int, str]:
        """Return the place and the id of the last event of the given kinds; (0, "") when there is none.

        A place alone does not tell events apart: one that is rolled back leaves its place to the next.
        """
        last = sa.select(sa.func.max(t.event.c.seq)).where(t.event.c.kind.in_(list(kinds))).scalar_subquery()
        row = connection.execute(sa.select(t.event.c.seq, t.event.c.id).where(t.event.c.seq == last)).first()
        return (row.seq, row.id) if row else (0, "")

    # --- files that could not be read ---------------------------------------------------------------------------------

    def put_failure(self, connection: sa.Connection, source: str, error: KGBuilderError) -> None:
        """Remember that a source could not be read, and why."""
        self.drop_failure(connection, source)
        row = {"source": source, "what": error.what, "where": error.where, "remedy": error.remedy, "at": now()}
        connection.execute(sa.insert(t.failure), [row])

    def drop_line_failures(self, connection: sa.Connection, file: str) -> None:
        """Forget the failures of single lines of a file that has been read whole."""
        lines = t.failure.c.source.startswith(f"{file} line ", autoescape=True)
        connection.execute(sa.delete(t.failure).where(lines))

    def drop_failure(self, connection: sa.Connection, source: str) -> None:
        """Forget the failure of a source that has been read, or that is gone."""
        connection.execute(sa.delete(t.failure).where(t.failure.c.source == source))


def _rows_by(
    connection: sa.Connection, table: sa.Table, column: sa.Column[str], values: Iterable[str]
) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for some in batches(values, IN_ROWS):
        for row in connection.execute(sa.select(table).where(column.in_(some))).mappings():
            found[row[column.name]] = dict(row)
    return found


def _settings(reading: Reading) -> dict[str, object]:
    return {
        "extractor_id": reading.extractor_id,
        "max_tokens": reading.max_tokens,
        "overlap_sentences": reading.overlap_sentences,
    }


def _held_settings(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in ("extractor_id", "max_tokens", "overlap_sentences")}


def _hold(connection: sa.Connection, source: str, document_id: str) -> None:
    connection.execute(sa.delete(t.source).where(t.source.c.source == source))
    connection.execute(sa.insert(t.source), [{"source": source, "document_id": document_id}])


class _Holdings:
    """Which source holds which document, and how each was read, as the events tell."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.settings: dict[str, list[dict[str, object]]] = {}
        self._n_holders: Counter[str] = Counter()

    def take(self, event: Event) -> None:
        """Go on by one event."""
        match event.kind:
            case "delete":
                document_id = str(event.payload["document"])
                for source in [source for source, held in self.sources.items() if held == document_id]:
                    self._let_go(source)
            case "release":
                for source in list(event.payload["sources"]):  # type: ignore[call-overload]
                    self._let_go(source)
            case _:
                document_id, source = str(event.payload["document"]), str(event.payload["source"])
                self._n_holders[document_id] += 1
                self._let_go(source)
                self.sources[source] = document_id
                settings = self.settings.setdefault(document_id, [])
                if (own := _held_settings(event.payload)) not in settings[-1:]:
                    settings.append(own)

    def _let_go(self, source: str) -> None:
        document_id = self.sources.pop(source, None)
        if document_id is None:
            return
        self._n_holders[document_id] -= 1
        if not self._n_holders[document_id]:
            del self._n_holders[document_id], self.settings[document_id]


def _mark_documents(connection: sa.Connection, document_ids: Iterable[str]) -> None:
    """Tell the graph of documents that it has and whose sources are others now."""
    for ids in batches(sorted(document_ids), IN_ROWS):
        query = sa.select(t.reading.c.document_id).where(t.reading.c.document_id.in_(ids), t.reading.c.derived == 1)
        stand = connection.execute(query.order_by(t.reading.c.document_id)).scalars().all()
        mark(connection, "document", [(document_id, "", "") for document_id in stand])


def _put_reading(connection: sa.Connection, reading: Reading, settings: Mapping[str, object]) -> None:
    document_id = reading.document.id
    connection.execute(sa.delete(t.reading).where(t.reading.c.document_id == document_id))
    connection.execute(sa.insert(t.reading), [{"document_id": document_id, "derived": 0, **settings}])
    held = connection.execute(sa.select(t.chunk.c.id).where(t.chunk.c.document_id == document_id)).scalars()
    mark(connection, "chunk", [(chunk, "", "") for chunk in sorted(set(held) - {c.id for c in reading.chunks})])
    connection.execute(sa.delete(t.chunk).where(t.chunk.c.document_id == document_id))
    if reading.chunks:
        connection.execute(
            sa.insert(t.chunk),
            [
                {
                    "id": c.id,
                    "document_id": c.document_id,
                    "seq": c.seq,
                    "start": c.start,
                    "end": c.end,
                    "language": c.language,
                    "passage_id": c.passage_id,
                    "state": "pending",
                }
                for c in reading.chunks
            ],
        )


def _storable(text: str) -> str:
    # A database holds UTF-8: a lone surrogate has no place in it. Readers replace them; this is the door.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParseError(
            "the text holds half of a surrogate pair",
            where=f"character {error.start}",
            remedy="read it with kgbuilder.ingest, which replaces such halves",
        ) from error
    return text


def _attempt_row(extraction: Extraction) -> dict[str, object]:
    claims = {
        "mentions": extraction.mentions,
        "triples": extraction.triples,
        "quarantined": extraction.quarantined,
    }
    return {
        "passage_id": extraction.passage_id,
        "extractor_id": extraction.extractor,
        "state": extraction.state,
        "claims": codec.dumps(claims),
        "replies": codec.dumps(extraction.replies),
        "failure": codec.dumps(extraction.failure) if extraction.failure else None,
    }


def _extraction(row: sa.Row[*tuple[Any, ...]]) -> Extraction:
    claims = codec.loads(row.claims)
    failure = codec.loads(row.failure) if row.failure else None
    return Extraction(
        passage_id=row.passage_id,
        extractor=row.extractor_id,
        state=row.state,
        mentions=tuple(MentionClaim(**m) for m in claims["mentions"]),
        triples=tuple(TripleClaim(**m) for m in claims["triples"]),
        quarantined=tuple(Quarantined(**m) for m in claims["quarantined"]),
        replies=tuple(Reply(**r) for r in codec.loads(row.replies)),
        failure=Failure(**failure) if failure else None,
    )
