"""The public rows as they stand: one JSON object a line, read from a folder outside the project, never copied in."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kgbuilder.errors import ConfigError, ParseError

__all__ = ["Row", "RowEntity", "RowTriple", "Texts", "read_rows", "row_file"]

_MEASURE_ONLY = "measure_only"


class RowEntity(BaseModel):
    """A named span; `start` is None where the source has no offsets, then `matches` lists where the string stands."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    text: str
    type: str | None = None
    start: int | None = None
    end: int | None = None
    entity: int | None = None
    matches: tuple[tuple[int, int], ...] = ()


class RowTriple(BaseModel):
    """A relation by the label of the source; spans where it has them, else the texts of head and tail."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    head: str
    relation: str
    tail: str
    head_type: str | None = None
    head_span: tuple[int, int] | None = None
    tail_span: tuple[int, int] | None = None
    head_entity: int | None = None
    tail_entity: int | None = None


class Row(BaseModel):
    """One line of a source. Keys that a source has for itself are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: str
    lang: str
    source: str
    text: str
    entities: tuple[RowEntity, ...] = ()
    triples: tuple[RowTriple, ...] = ()
    annotated_relations: tuple[str, ...] | None = None


def row_file(folder: Path, source: str) -> Path:
    """Return the file of a source such as "uner_zh.train".

    Raises:
        ConfigError: when the folder has no such file, or its rows may not train what is shipped.
    """
    path = folder / f"{source}.jsonl"
    if _MEASURE_ONLY in path.resolve().parts:
        what = "this source has no licence for training"
        raise ConfigError(what, where=str(path), remedy="measure with it, train on the others")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.jsonl"))) or "none"
        raise ConfigError("there is no such source", where=str(path), remedy=f"the folder has {known}")
    return path


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a file.

    Raises:
        ParseError: naming file and line, for a line that is no row or whose offsets do not hold the text.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _row(line, f"{path}:{number}")


class Texts:
    """The texts and languages of the rows of a folder, looked up by source and id; a file is read when first asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, dict[str, tuple[str, str]]] = {}

    def find(self, source: str, id_: str) -> tuple[str, str] | None:
        """Return text and language of a row, None where its file has no such id.

        Raises:
            ConfigError: when the folder has no file of this source.
        """
        if source not in self._read:
            rows = read_rows(row_file(self.folder, source))
            self._read[source] = {row.id: (row.text, row.lang) for row in rows}
        return self._read[source].get(id_)


def _row(line: str, where: str) -> Row:
    try:
        row = Row.model_validate(json.loads(line))
    except (ValueError, RecursionError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        remedy = "compare with the form that the README of the data gives"
        raise ParseError(f"this is no row: {reason}", where=where, remedy=remedy) from error
    for entity in row.entities:
        spans = entity.matches if entity.start is None else ((entity.start, entity.end or 0),)
        for start, end in spans:
            if row.text[start:end] != entity.text and entity.start is not None:
                what = f"offsets {start} to {end} do not hold {entity.text!r}"
                raise ParseError(what, where=where, remedy="count code points")
    return row
