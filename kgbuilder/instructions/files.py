"""Files of annotated records to files of instructions."""

import json
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

from kgbuilder.errors import ConfigError, ParseError
from kgbuilder.ids import content_id
from kgbuilder.instructions.convert import Conversion, read_schema, records_to_instructions
from kgbuilder.instructions.iepile import dumps

__all__ = ["convert_file"]

_Option = TypeVar("_Option")

_TASKS: Final[Mapping[str, Literal["NER", "RE"]]] = {"NER": "NER", "RE": "RE"}
_SPLITS: Final[Mapping[str, Literal["train", "test"]]] = {"train": "train", "test": "test"}
_LANGUAGES: Final[Mapping[str, str]] = {"zh": "zh", "en": "en"}


def convert_file(  # noqa: PLR0913 - what the command line can set
    source: Path,
    schema: Path,
    out: Path,
    *,
    task: str,
    language: str = "zh",
    split: str = "train",
    split_num: int | None = None,
    random_sort: bool = False,
    seed: int = 0,
) -> int:
    """Convert a file of records, one JSON object a line, to a file of instructions; return how many were written.

    `out` is replaced only when all of it could be written. With `random_sort` the order of the names follows from
    `seed`, the same on every machine.

    Raises:
        ConfigError: a file cannot be read or written, or an option is none of those there are.
        ParseError: a record or the schema does not have the form it must have.
    """
    known_task = _one_of(task, "task", _TASKS)
    variant = _one_of(split, "split", _SPLITS)
    conversion = Conversion(
        task=known_task,
        schema=read_schema(_read_text(schema), known_task),
        language=_one_of(language, "language", _LANGUAGES),
        split_num=split_num,
        source=source.resolve().parent.name,
    )
    shuffler = _HashShuffler(seed) if random_sort else None
    made = records_to_instructions(_read_records(source), conversion, variant=variant, random_sort=shuffler)
    partial = out.with_name(f"{out.name}.partial")
    n_written = 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for record in made:
                file.write(dumps(record) + "\n")
                n_written += 1
        partial.replace(out)
    except OSError as error:
        raise ConfigError(f"the file cannot be written: {error.strerror}", where=str(out)) from error
    finally:
        partial.unlink(missing_ok=True)
    return n_written


def _one_of(value: str, option: str, known: Mapping[str, _Option]) -> _Option:
    if value not in known:
        raise ConfigError(f"unknown {option} {value!r}", where=f"--{option}", remedy=f"choose {' or '.join(known)}")
    return known[value]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8", where=str(path), remedy="save it as UTF-8") from error


def _read_records(path: Path) -> Iterator[Mapping[str, object]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _read_record(line, f"{path}:{number}")
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8", where=str(path), remedy="save it as UTF-8") from error


def _read_record(line: str, where: str) -> Mapping[str, object]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ParseError("the line is not JSON", where=where, remedy="write one JSON object a line") from error
    if not isinstance(record, dict):
        raise ParseError("the line is no JSON object", where=where, remedy="write one JSON object a line")
    return record


class _HashShuffler:
    """An order that follows from a seed by hashing: what is replayed must not know the module of chance."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n_shuffled = 0

    def sample(self, population: Sequence[str], k: int) -> list[str]:
        return list(population[:k])

    def shuffle(self, x: MutableSequence[str]) -> None:
        self._n_shuffled += 1
        x[:] = sorted(x, key=lambda item: content_id("order", self._seed, self._n_shuffled, item))
