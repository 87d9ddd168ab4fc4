"""Open the ledger's database, keep its version, and turn the driver's errors into ours."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kgbuilder.errors import ConfigError, StoreError
from kgbuilder.ledger.tables import outbox

__all__ = [
    "IN_ROWS",
    "batches",
    "execute_rows",
    "insert_ignore",
    "lock",
    "mark",
    "open_engine",
    "server_lock",
    "shown_url",
    "store_errors",
]

_MANY_ROWS = 64
IN_ROWS = 500
"""How many values one IN list holds: under every database's limit of bound parameters."""

_BUSY_MS = 5_000
"""How long to wait for a program that is not ours; among ourselves, whoever writes holds `lock`."""
_MAX_ROWS = 5_000


def open_engine(url: str) -> sa.Engine:
    """Open the database at `url`, migrate it to this version, and return the engine.

    Raises ConfigError for a URL that cannot be used and StoreError for a database that cannot be opened or is newer.
    """
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError(
            "not a database URL", where="ledger.url", remedy="use sqlite:///ledger.db or postgresql+psycopg://host/db"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(f"the ledger cannot live in {backend}", where="ledger.url", remedy="use sqlite or postgresql")
    where = parsed.render_as_string(hide_password=True)
    if backend == "sqlite" and parsed.database:
        _check_folder(Path(parsed.database).parent, where)
    with store_errors(where):
        engine = sa.create_engine(parsed, pool_pre_ping=backend == "postgresql")
        if backend == "sqlite":
            _tune_sqlite(engine)
        _migrate(engine)
    return engine


def shown_url(url: str) -> str:
    """Return a database URL without its password."""
    return sa.engine.make_url(url).render_as_string(hide_password=True)


@contextlib.contextmanager
def store_errors(where: str) -> Iterator[None]:
    """Raise StoreError, with a remedy, for what the database driver raises inside the block."""
    try:
        yield
    except sa.exc.NoSuchModuleError as error:
        raise ConfigError(
            str(error), where=where, remedy="install the driver: pip install 'kgbuilder[cluster]'"
        ) from error
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the database driver {error.name} is not installed",
            where=where,
            remedy="pip install 'kgbuilder[cluster]'",
        ) from error
    except sa.exc.DBAPIError as error:
        cause = str(error.orig)
        raise StoreError(f"the ledger refuses: {cause}", where=where, remedy=_remedy(cause)) from error


def _remedy(cause: str) -> str:
    known = {
        "disk is full": "free some disk space and run the same command again: nothing that was committed is lost",
        "disk I/O": "check the disk and its quota, then run the same command again: nothing that was committed is lost",
        "locked": "another program holds the ledger; wait for it to finish or stop it",
        "readonly": "make the workspace folder and the ledger file writable",
        "unable to open": "check that the folder exists and may be written",
        "malformed": "the file is damaged: restore it from a backup, then run kgbuilder replay",
        "not a database": "the file is something else: move it away or set ledger.url",
        "password": "check the user and password of ledger.url",
        "refused": "start the database server or correct ledger.url",
    }
    return next((remedy for sign, remedy in known.items() if sign in cause), "see the message; then run it again")


def _check_folder(folder: Path, where: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), remedy="choose another --workspace"
        ) from error
    if not os.access(folder, os.W_OK):
        raise StoreError("the folder may not be written", where=where, remedy="choose another --workspace")


def _tune_sqlite(engine: sa.Engine) -> None:
    # The driver's own transaction control begins a transaction only before a write, and never IMMEDIATE: two writers
    # would then fail on upgrade instead of waiting. So we begin ourselves.
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "temp_store=MEMORY",
            "cache_size=-16384",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("kgbuilder_reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _migrate(engine: sa.Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    with resources.as_file(resources.files("kgbuilder.ledger") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        head = ScriptDirectory.from_config(config).get_current_head()
        with engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except (CommandError, ResolutionError) as error:
                raise StoreError(
                    "the ledger was written by a newer version",
                    where=engine.url.render_as_string(hide_password=True),
                    remedy="update kgbuilder",
                ) from error


def execute_rows(
    connection: sa.Connection, statement: sa.Insert | sa.Update | sa.Delete, rows: Sequence[Mapping[str, object]]
) -> int:
    """Execute a statement once a row of plain values, all rows with the same keys; return how many it changed.

    SQLAlchemy's own way looks at every value of every row, which costs more than the database does.
    """
    if not rows:
        return 0
    if len(rows) < _MANY_ROWS:  # compiling costs more than it spares
        return connection.execute(statement, list(rows)).rowcount
    compiled = statement.compile(connection, column_keys=list(rows[0]))
    names = getattr(compiled, "positiontup", None)
    parameters = [tuple(row[name] for name in names) for row in rows] if names else [dict(row) for row in rows]
    return connection.exec_driver_sql(str(compiled), parameters).rowcount


def insert_ignore(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, object]]) -> int:
    """Insert `rows`, leaving rows whose key stands already; return how many were new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing()
    n_new = 0
    for begin in range(0, len(rows), _MAX_ROWS):
        n_new += execute_rows(connection, statement, rows[begin : begin + _MAX_ROWS])
    return n_new


def batches(values: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut distinct values into lists of at most `size`, in order."""
    unique = list(dict.fromkeys(values))
    for begin in range(0, len(unique), size):
        yield unique[begin : begin + size]


def mark(connection: sa.Connection, kind: str, keys: Iterable[tuple[str, str, str]]) -> None:
    """Put keys on the outbox; a key that waits there already keeps its place and gets a new stamp."""
    stamp = time.time_ns()
    rows = [{"stamp": stamp, "kind": kind, "a": a, "b": b, "c": c} for a, b, c in keys]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(outbox)
    columns = [outbox.c.kind, outbox.c.a, outbox.c.b, outbox.c.c]
    newer = insert.on_conflict_do_update(index_elements=columns, set_={"stamp": insert.excluded.stamp})
    execute_rows(connection, newer, rows)


@contextlib.contextmanager
def lock(path: Path, *, wait_s: float, holder: str) -> Iterator[None]:
    """Hold the file lock at `path`; a process that dies lets it go.

    Raises StoreError naming the holder when the lock is not free within `wait_s` seconds.
    """
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+")
    except OSError as error:
        raise StoreError(
            f"the lock cannot be made: {error.strerror}", where=str(path), remedy="make the workspace folder writable"
        ) from error
    with opened as file:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    raise StoreError(
                        f"in use by {file.read().strip() or 'another process'}",
                        where=str(path.parent),
                        remedy="wait until it has finished (--wait waits for it), or stop it",
                    ) from None
                time.sleep(0.02)
        file.truncate(0)
        file.write(f"{holder} (process {os.getpid()})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file, fcntl.LOCK_UN)


@contextlib.contextmanager
def server_lock(engine: sa.Engine, name: str, *, wait_s: float) -> Iterator[None]:
    """Hold an advisory lock of the database server; does nothing for a database in a file.

    Raises StoreError when another machine holds it for longer than `wait_s` seconds.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    key = int.from_bytes(hashlib.sha256(f"kgbuilder {name}".encode()).digest()[:8], "big", signed=True)
    own = engine.execution_options(isolation_level="AUTOCOMMIT")
    with store_errors(engine.url.render_as_string(hide_password=True)), own.connect() as connection:
        deadline = time.monotonic() + wait_s
        while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar():
            if time.monotonic() >= deadline:
                raise StoreError("in use on another machine", where=name, remedy="wait until it has finished")
            time.sleep(0.05)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
