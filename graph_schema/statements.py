"""The Cypher statements, one a file, and the schema migrations, versioned and one file a dialect."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal, cast

from graph_schema.errors import SchemaError

__all__ = ["Dialect", "Migration", "migrations", "statement"]

Dialect = Literal["neo4j", "arcadedb"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MIGRATION = re.compile(r"(\d{4})_([a-z0-9_]+)\.(neo4j|arcadedb)\.cypher")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The statements that bring the schema of one kind of server from `version` - 1 to `version` (from 1)."""

    version: int
    name: str
    dialect: Dialect
    statements: tuple[str, ...]


@lru_cache(maxsize=256)
def statement(name: str) -> str:
    """Return the text of cypher/<name>.cypher without the comment lines at its top.

    Raises:
        SchemaError: when there is no such file or it holds nothing.
    """
    file = resources.files("graph_schema") / "cypher" / f"{name}.cypher"
    if not _NAME.fullmatch(name) or not file.is_file():
        raise SchemaError(f"there is no statement {name!r}", where="graph_schema/cypher", remedy="check the name")
    return _text(file)


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """Return every migration, by version, then dialect; the statements of a file are separated by `;` at line ends.

    Raises:
        SchemaError: when a file is misnamed or empty, or the versions of a dialect are not 1, 2, 3, ...
    """
    folder = resources.files("graph_schema") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".cypher")] if folder.is_dir() else []
    found = sorted((_migration(file) for file in files), key=lambda each: (each.version, each.dialect))
    for dialect in ("neo4j", "arcadedb"):
        versions = [each.version for each in found if each.dialect == dialect]
        if versions != list(range(1, len(versions) + 1)):
            what = f"the migrations for {dialect} are {versions}"
            raise SchemaError(what, where="graph_schema/migrations", remedy="number them 0001, 0002, ... without gaps")
    return tuple(found)


def _migration(file: Traversable) -> Migration:
    match = _MIGRATION.fullmatch(file.name)
    if match is None:
        remedy = "name it NNNN_what.neo4j.cypher or NNNN_what.arcadedb.cypher"
        raise SchemaError("not the name of a migration", where=file.name, remedy=remedy)
    statements = tuple(part for part in map(_uncommented, re.split(r";[ \t]*(?:\n|$)", _text(file))) if part)
    return Migration(version=int(match[1]), name=match[2], dialect=cast(Dialect, match[3]), statements=statements)


def _text(file: Traversable) -> str:
    text = _uncommented(file.read_text(encoding="utf-8"))
    if not text:
        raise SchemaError("the file holds no statement", where=file.name, remedy="write one, or remove the file")
    return text


def _uncommented(text: str) -> str:
    lines = text.strip().splitlines()
    while lines and (lines[0].lstrip().startswith("//") or not lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines).strip()
