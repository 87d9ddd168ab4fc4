"""The real sentences that are never trained on: a fixed list, by reference, in the repository.

A line of `held_out.txt` is a reference `source:id`, or `NAME first N` for the first N references of
`standoff/NAME.jsonl` (none while there is no such file). Lines that begin with `#` and empty lines are skipped.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from training.data.lines import read_lines
from training.data.mistakes import CorpusError, Mistake, refuse
from training.data.standoff import standoff_refs

__all__ = ["read_held_out"]

_FIRST = re.compile(r"(\w+) first ([0-9]+)")
_REF = re.compile(r"[\w.]+:\S+")


def read_held_out(corpus: Path) -> tuple[str, ...]:
    """Return the references that `held_out.txt` of a corpus folder names, in order.

    Raises:
        CorpusError: for a line of another form, a reference that stands twice, a standoff file that is too short.
        IngestError: when there is no such file.
    """
    path = corpus / "held_out.txt"
    mistakes: list[Mistake] = []
    places: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        try:
            for ref in _refs(line.strip(), corpus, where):
                if ref in places:
                    what = f"{ref} stands at {places[ref]} already"
                    raise CorpusError([Mistake(where=where, what=what, remedy="take it out")])
                places[ref] = where
        except CorpusError as error:
            mistakes.extend(error.mistakes)
    refuse(mistakes)
    return tuple(places)


def _refs(line: str, corpus: Path, where: str) -> Iterator[str]:
    if _REF.fullmatch(line):
        yield line
        return
    found = _FIRST.fullmatch(line)
    if found is None:
        remedy = "write source:id, or `en_1 first 150`"
        raise CorpusError([Mistake(where=where, what=f"{line[:60]!r} is no reference", remedy=remedy)])
    file, n_wanted = corpus / "standoff" / f"{found[1]}.jsonl", int(found[2])
    if not file.is_file():
        return
    refs = standoff_refs(file)
    if len(refs) < n_wanted:
        what = f"{file.name} has {len(refs)} lines, not {n_wanted}"
        raise CorpusError([Mistake(where=where, what=what, remedy="annotate more, or hold out fewer")])
    yield from refs[:n_wanted]
