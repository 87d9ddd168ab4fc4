"""The Bolt driver, and the only module that knows it: connections, retries, deadlines, errors, and values.

Everything that reads or writes a graph goes through `Bolt`. What a driver raises leaves here as a StoreError that says
what happened, where, and what to do; passwords are in none of them.
"""

import asyncio
import base64
import contextlib
import http.client
import json
import logging
import re
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import neo4j
import neo4j.graph
import neo4j.spatial
import neo4j.time
from neo4j.exceptions import (
    AuthConfigurationError,
    AuthError,
    ClientError,
    ConfigurationError,
    CypherSyntaxError,
    DatabaseError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    UnsupportedServerProduct,
)

from kgbuilder.errors import QueryRefused, StoreError
from kgbuilder.stores.address import Address
from kgbuilder.stores.readonly import check_read_only, explains

__all__ = ["Bolt", "Dialect", "GraphPath", "Node", "QueryResult", "Relationship", "TooBigError", "Transaction"]

Dialect = Literal["neo4j", "arcadedb"]
Parameters = Mapping[str, object]
Row = tuple[object, ...]

_T = TypeVar("_T")
_Failure = (DriverError, Neo4jError)
_LOST = (ServiceUnavailable, SessionExpired, IncompleteCommit)
_MEMORY = "MemoryPoolOutOfMemoryError"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 3.0
_PAUSES_S = (0.1, 0.5, 1.0)
_GOING_DOWN_S = 8.0
_GRACE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    """How long to wait. A page fails in seconds; a worker rides out a restart of the server."""

    patience_s: float
    answer_s: float


_PROFILES = {
    "page": _Profile(patience_s=8.0, answer_s=15.0),
    "worker": _Profile(patience_s=120.0, answer_s=120.0),
}
_URI = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?://.")
_CONNECT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node in the result of a query."""

    id: str
    labels: tuple[str, ...]
    properties: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A relationship in the result of a query; head and tail are ids of nodes."""

    id: str
    type: str
    head: str
    tail: str
    properties: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPath:
    """A path in the result of a query, in order."""

    nodes: tuple[Node, ...]
    relationships: tuple[Relationship, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The rows of a query; `truncated` when there were more than asked for."""

    keys: tuple[str, ...]
    rows: tuple[Row, ...]
    truncated: bool
    elapsed_s: float


class _TooSlowError(Exception):
    """A query took longer than it may."""

    def __init__(self, timeout_s: float) -> None:
        self.refusal = _too_slow(timeout_s)
        super().__init__(timeout_s)


class TooBigError(Exception):
    """The server has not the memory for a transaction of this size."""


class Transaction:
    """A transaction that is being written."""

    def __init__(self, transaction: neo4j.Transaction) -> None:
        self._transaction = transaction

    def run(self, cypher: str, parameters: Parameters) -> tuple[list[Row], int]:
        """Run one statement; return its rows and how many nodes it made."""
        result = self._transaction.run(cypher, dict(parameters))
        rows = [tuple(record.values()) for record in result]
        return rows, result.consume().counters.nodes_created


class Bolt:
    """A connection to one database of one server."""

    def __init__(self, address: Address, *, profile: str, relocate: Callable[[], Address] | None = None) -> None:
        """Connect and look who answers. `relocate` says where the server is after it was lost.

        Raises StoreError when the server cannot be used, within 10 s.
        """
        if profile not in _PROFILES:
            raise StoreError(f"no profile {profile!r}", where="store", remedy=f"one of {', '.join(_PROFILES)}")
        _hush()
        self.address = address
        self._profile = _PROFILES[profile]
        self._patient = profile == "worker"
        self._relocate = relocate
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()
        self._finalizer = weakref.finalize(self, self._open.close)
        self._background: _Background | None = None
        try:
            self._connect()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """End all connections. Nothing else may be called afterwards, except this."""
        self._finalizer.detach()
        self._open.close()

    def _connect(self) -> None:
        if not _URI.match(self.address.uri):
            what = f"not the address of a graph: {self.address.uri!r}"
            raise StoreError(what, where=self.address.uri, remedy="write it like bolt://host:7687")
        try:
            self._driver = _driver(self.address)
            self._open.callback(self._driver.close)
            self._driver.verify_connectivity()
            agent = self._driver.get_server_info().agent
            with self._driver.session(database=self.address.database) as session:
                session.run("RETURN 1").consume()
        except (*_Failure, ValueError) as error:
            raise _explained(error, self.address) from error
        self.dialect: Dialect = "arcadedb" if "arcadedb" in agent.lower() else "neo4j"

    def _find_again(self) -> None:
        """Go to where the server is now."""
        if self._relocate is None:
            return
        address = self._relocate()
        with self._lock:
            if address == self.address:
                return
            self._open.close()
            self._background = None
            self.address = address
            self._connect()

    def write(self, work: Callable[[Transaction], _T]) -> _T:
        """Run `work` in a transaction, again when the connection is lost: it must not matter whether it ran before.

        Raises TooBigError, or StoreError when the server stays away longer than the profile waits.
        """

        def commit(session: neo4j.Session) -> _T:
            # Not execute_write: it repeats a transaction that is too big for the server, in vain, until its time is up.
            with session.begin_transaction() as transaction:
                done = work(Transaction(transaction))
                transaction.commit()
                return done

        return self._persist(commit)

    def run_alone(self, cypher: str) -> None:
        """Run a statement outside any transaction, as schema changes must be."""
        self._persist(lambda session: session.run(cypher).consume())

    def rows(self, cypher: str, parameters: Parameters) -> list[Row]:
        """Read all rows of a statement of ours. A page gives up after its time, a worker waits as for writes."""
        if not self._patient:
            return self._in_background(lambda driver: self._ask(driver, cypher, parameters), self._profile.answer_s)

        return self._persist(lambda session: [tuple(r.values()) for r in session.run(cypher, dict(parameters))])

    def _persist(self, work: Callable[[neo4j.Session], _T]) -> _T:
        began = time.monotonic()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                with self._driver.session(database=self.address.database) as session:
                    return work(session)
            except _Failure as error:
                if _is_too_big(error):
                    raise TooBigError from error
                # When a commit was cut off, it may have happened or not: everything sent here can be sent twice.
                if time.monotonic() + pause_s > began + self._patience_s(error):
                    self._find_again()  # says so when the reason is a full disk
                    raise _explained(error, self.address) from error
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self._find_again()

    async def _ask(self, driver: neo4j.AsyncDriver, cypher: str, parameters: Parameters) -> list[Row]:
        async with driver.session(
            database=self.address.database, default_access_mode=neo4j.READ_ACCESS, fetch_size=1000
        ) as session:
            query = neo4j.Query(cypher, timeout=self._profile.answer_s)
            result = await session.run(query, dict(parameters))
            return [tuple(record.values()) async for record in result]

    def read(self, cypher: str, parameters: Parameters, *, max_rows: int, timeout_s: float) -> QueryResult:
        """Run what a person typed, with every barrier against writing and against running on.

        Raises QueryRefused when it could write, is wrong, or takes too long; StoreError when the server is away.
        """
        check_read_only(cypher)
        return self.read_unguarded(cypher, parameters, max_rows=max_rows, timeout_s=timeout_s)

    def read_unguarded(self, cypher: str, parameters: Parameters, *, max_rows: int, timeout_s: float) -> QueryResult:
        """Read without the guard in front, behind the server's own barriers only: for the tests of those."""
        if self.dialect == "arcadedb" and not self.address.reader:
            remedy = "use the embedded server or a Neo4j"
            raise StoreError("this ArcadeDB has no read-only user", where=self.address.uri, remedy=remedy)
        began = time.monotonic()
        try:
            keys, rows, truncated = self._in_background(
                lambda driver: self._read(driver, cypher, parameters, max_rows, timeout_s),
                timeout_s + 2 * _GRACE_S,
                lambda error: _refused(error, self.address, timeout_s),
            )
        except _TooSlowError as error:
            # Slow because of the query, or because the server answers nobody?
            self._in_background(lambda driver: self._ask(driver, "RETURN 1", {}), _GRACE_S)
            raise error.refusal from error
        return QueryResult(keys=keys, rows=rows, truncated=truncated, elapsed_s=time.monotonic() - began)

    async def _read(
        self, driver: neo4j.AsyncDriver, cypher: str, parameters: Parameters, max_rows: int, timeout_s: float
    ) -> tuple[tuple[str, ...], tuple[Row, ...], bool]:
        deadline_s = timeout_s if self.dialect == "arcadedb" else timeout_s + _GRACE_S
        try:
            async with asyncio.timeout(deadline_s):
                async with driver.session(
                    database=self.address.database,
                    default_access_mode=neo4j.READ_ACCESS,
                    fetch_size=min(max_rows + 1, 1000),
                ) as session:
                    if self.dialect == "neo4j" and not explains(cypher):
                        await _check_plan(session, cypher, parameters, timeout_s)
                    return await self._read_and_roll_back(session, cypher, parameters, max_rows, timeout_s)
        except TimeoutError as error:
            raise _TooSlowError(timeout_s) from error

    async def _read_and_roll_back(
        self, session: neo4j.AsyncSession, cypher: str, parameters: Parameters, max_rows: int, timeout_s: float
    ) -> tuple[tuple[str, ...], tuple[Row, ...], bool]:
        transaction = await session.begin_transaction(timeout=timeout_s)
        try:
            result = await transaction.run(cypher, dict(parameters))
            keys = tuple(result.keys())
            records = await result.fetch(max_rows + 1)
            # ArcadeDB would first compute the rows that nobody wants any more; without a connection it cannot.
            if len(records) <= max_rows or self.dialect == "neo4j":
                await transaction.rollback()
        finally:
            transaction.cancel()
        rows = tuple(tuple(map(_plain, record.values())) for record in records[:max_rows])
        return keys, rows, len(records) > max_rows

    def _in_background(
        self,
        ask: Callable[[neo4j.AsyncDriver], Coroutine[object, object, _T]],
        deadline_s: float,
        explain: Callable[[Exception], StoreError] | None = None,
    ) -> _T:
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._reader().run(ask, deadline_s)
            except TimeoutError as error:
                what = f"the graph server gave no answer in {deadline_s:.0f} s"
                remedy = "see whether it is overloaded or frozen; restart it"
                raise StoreError(what, where=self.address.uri, remedy=remedy) from error
            except _Failure as error:
                if pause_s is None or _is_too_big(error) or not self._patience_s(error):
                    raise explain(error) if explain else _explained(error, self.address) from error
                time.sleep(pause_s)
                self._find_again()
        raise AssertionError("unreachable")

    def _reader(self) -> "_Background":
        with self._lock:
            if self._background is None:
                self._background = _Background(self.address)
                self._open.callback(self._background.close)
            return self._background

    def _patience_s(self, error: Exception) -> float:
        """Return for how long trying again may help."""
        if isinstance(error, _LOST) or (isinstance(error, DriverError | Neo4jError) and error.is_retryable()):
            return self._profile.patience_s
        # Our own server forgets users and transactions while it goes down, and says so as if it were healthy.
        if isinstance(error, AuthError | DatabaseError) and self._relocate is not None:
            return min(self._profile.patience_s, _GOING_DOWN_S)
        return 0.0

    def sql(self, statement: str) -> None:
        """Run a statement of ArcadeDB's own language over HTTP. Raises StoreError."""
        address = self.address
        if not address.http_port:
            remedy = "use the embedded server, or a Neo4j"
            raise StoreError("an ArcadeDB that is not ours cannot be migrated", where=address.uri, remedy=remedy)
        credentials = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
        body = json.dumps({"language": "sql", "command": statement})
        connection = http.client.HTTPConnection("127.0.0.1", address.http_port, timeout=self._profile.answer_s)
        try:
            connection.request("POST", f"/api/v1/command/{address.database}", body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            remedy = "try again; see server.log in the folder of the graph"
            raise StoreError(f"the graph server is gone: {error}", where=address.uri, remedy=remedy) from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            self._find_again()  # says so when the reason is a full disk
            what = f"the schema cannot be changed: {text[:300]}"
            raise StoreError(what, where=statement, remedy="see server.log in the folder of the graph")


class _Background:
    """An event loop on its own thread with a driver in it: a call can be given up while the server says nothing."""

    def __init__(self, address: Address) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kgbuilder-bolt", daemon=True)
        self._thread.start()
        self._driver = asyncio.run_coroutine_threadsafe(_async_driver(address), self._loop).result(_GRACE_S)

    def run(self, ask: Callable[[neo4j.AsyncDriver], Coroutine[object, object, _T]], deadline_s: float) -> _T:
        future = asyncio.run_coroutine_threadsafe(self._bounded(ask(self._driver), deadline_s), self._loop)
        return future.result(deadline_s + _GRACE_S)

    @staticmethod
    async def _bounded(work: Coroutine[object, object, _T], deadline_s: float) -> _T:
        async with asyncio.timeout(deadline_s):
            return await work

    def close(self) -> None:
        closing = asyncio.run_coroutine_threadsafe(self._driver.close(), self._loop)
        with contextlib.suppress(TimeoutError, *_Failure):
            closing.result(_GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_GRACE_S)
        if not self._thread.is_alive():
            self._loop.close()


def _hush() -> None:
    # Lost connections are expected here; without a handler of its own the driver's warnings go to standard error.
    logger = logging.getLogger("neo4j")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _driver(address: Address) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(
        address.uri,
        auth=(address.user, address.password),
        connection_timeout=_CONNECT_S,
        connection_acquisition_timeout=_CONNECT_S + 2,
        notifications_min_severity="OFF",
    )


async def _async_driver(address: Address) -> neo4j.AsyncDriver:
    user = (address.reader, address.reader_password) if address.reader else (address.user, address.password)
    return neo4j.AsyncGraphDatabase.driver(
        address.uri,
        auth=user,
        connection_timeout=_CONNECT_S,
        connection_acquisition_timeout=_CONNECT_S + 2,
        notifications_min_severity="OFF",
    )


async def _check_plan(session: neo4j.AsyncSession, cypher: str, parameters: Parameters, timeout_s: float) -> None:
    result = await session.run(neo4j.Query(f"EXPLAIN {cypher}", timeout=timeout_s), dict(parameters))
    kind = (await result.consume()).query_type
    if kind != "r":
        raise QueryRefused("the server would write for this query", remedy="only reading is possible here")


# --- errors -----------------------------------------------------------------------------------------------------------


def _is_too_big(error: Exception) -> bool:
    return isinstance(error, Neo4jError) and _MEMORY in str(error.code)


def _explained(error: Exception, address: Address) -> StoreError:
    """Say in our words what a driver error means."""
    code = (error.code or "") if isinstance(error, Neo4jError) else ""
    what, remedy = _meaning(error, code, address)
    return StoreError(what, where=address.uri, remedy=remedy)


def _meaning(error: Exception, code: str, address: Address) -> tuple[str, str]:
    text = _first_line(error)
    if "AuthenticationRateLimit" in code:
        return "too many wrong passwords; the server refuses everybody for a moment", "wait 5 s and try again"
    if isinstance(error, AuthError):
        return f"the graph server refuses user {address.user!r} or its password", "check KGBUILDER_STORE_PASSWORD"
    if "DatabaseNotFound" in code or ("DatabaseUnavailable" in code):
        return f"the graph server has no database {address.database!r}", "check store.database"
    if isinstance(error, IncompleteCommit):
        return "the connection was lost in the middle of a commit", "run the same command again"
    if isinstance(error, (*_LOST, UnsupportedServerProduct)):
        return _unreachable(error)
    if isinstance(error, AuthConfigurationError | ConfigurationError | ValueError):
        return f"the address of the graph cannot be used: {text}", "write it like bolt://host:7687"
    if _MEMORY in code:
        return "the graph server has too little memory for this", "give it a larger heap"
    return f"the graph server refuses: {text}", "see the server's log"


def _unreachable(error: Exception) -> tuple[str, str]:
    cause = str(error).strip().splitlines()[-1]
    if "looks like HTTP" in cause or isinstance(error, UnsupportedServerProduct):
        return "what listens at this address does not speak Bolt", "check host and port; Bolt is usually on 7687"
    if "[SSL" in cause:
        return "the graph server does not speak TLS at this address", "use bolt:// instead of bolt+s://"
    if "handshake" in cause or "TimeoutError" in cause:
        return (
            "the graph server takes the connection and does not answer",
            "restart it; where it wants TLS, use bolt+s://",
        )
    reason = re.search(r"\(reason (.*)\)$", cause)
    return f"the graph server is not up: {reason[1] if reason else cause[:300]}", "start it, or check store.uri"


def _refused(error: Exception, address: Address, timeout_s: float) -> StoreError:
    """Say why a person's query was not answered."""
    code = (error.code or "") if isinstance(error, Neo4jError) else ""
    if isinstance(error, CypherSyntaxError):
        return QueryRefused(f"this is not Cypher: {_first_line(error)}", remedy="correct the query")
    if "Timed" in code or "Timeout" in _first_line(error) or "timeout" in _first_line(error):
        return _too_slow(timeout_s)
    if "AccessMode" in code or "Forbidden" in code:
        return QueryRefused("the server lets this user read only", remedy="only reading is possible here")
    if _MEMORY in code:
        return QueryRefused("the query needs more memory than the server gives", remedy="ask for less")
    if isinstance(error, ClientError | DatabaseError) and "Security" not in code:
        return QueryRefused(f"the server cannot answer this: {_first_line(error)}", remedy="correct the query")
    return _explained(error, address)


def _too_slow(timeout_s: float) -> QueryRefused:
    return QueryRefused(f"stopped after {timeout_s:g} s", remedy="ask for less: add labels, conditions or a LIMIT")


def _first_line(error: Exception) -> str:
    message = (error.message if isinstance(error, Neo4jError) else None) or str(error)
    return message.strip().splitlines()[0][:300] if message.strip() else type(error).__name__


# --- values -----------------------------------------------------------------------------------------------------------


def _plain(value: object) -> object:
    """Return a value of the driver as records and plain values that JSON can hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, neo4j.graph.Node):
        return _node(value)
    if isinstance(value, neo4j.graph.Relationship):
        return _relationship(value)
    if isinstance(value, neo4j.graph.Path):
        return GraphPath(
            nodes=tuple(map(_node, value.nodes)), relationships=tuple(map(_relationship, value.relationships))
        )
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, neo4j.spatial.Point):
        return {"srid": value.srid, "coordinates": list(value)}
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, neo4j.time.Date | neo4j.time.Time | neo4j.time.DateTime | neo4j.time.Duration):
        return value.iso_format()
    if isinstance(value, Sequence):
        return [_plain(inner) for inner in value]
    return str(value)


def _node(node: neo4j.graph.Node) -> Node:
    properties = {key: _plain(value) for key, value in node.items()}
    return Node(id=node.element_id, labels=tuple(sorted(node.labels)), properties=properties)


def _relationship(relationship: neo4j.graph.Relationship) -> Relationship:
    head, tail = relationship.start_node, relationship.end_node
    return Relationship(
        id=relationship.element_id,
        type=relationship.type,
        head=head.element_id if head else "",
        tail=tail.element_id if tail else "",
        properties={key: _plain(value) for key, value in relationship.items()},
    )
