"""See whether anything that is tested was trained on, and keep it out of training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from training.data.duplicates import TextIndex
from training.data.records import AnnotatedPassage, Example
from training.data.splits import names

__all__ = ["Guard", "Leak", "find_leaks"]

Item = AnnotatedPassage | Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A training example that gives away a tested one: `kind` is "text" (equal, nearly equal, one inside the other)
    or "name", then `what` is the name."""

    kind: Literal["text", "name"]
    trained: str
    tested: str
    what: str = ""


class Guard:
    """Tells which training examples give away tested ones.

    `tested` are the passages whose texts must not be trained on, `unseen` those whose names must not be either.
    """

    def __init__(self, tested: Sequence[Item], unseen: Sequence[Item] = ()) -> None:
        self._tested = (*tested, *unseen)
        self._index = TextIndex(item.text for item in self._tested)
        self._names = {name: item.id for item in unseen for name in names(item)}

    def leaks(self, trained: Item) -> Iterator[Leak]:
        """Yield what a training example gives away."""
        for number in self._index.find(trained.text):
            yield Leak(kind="text", trained=trained.id, tested=self._tested[number].id)
        for name in sorted(names(trained) & self._names.keys()):
            yield Leak(kind="name", trained=trained.id, tested=self._names[name], what=name)


def find_leaks(trained: Iterable[Item], tested: Sequence[Item], unseen: Sequence[Item] = ()) -> tuple[Leak, ...]:
    """Return every leak from `tested` (texts) and `unseen` (texts and names) into `trained`."""
    guard = Guard(tested, unseen)
    return tuple(leak for item in trained for leak in guard.leaks(item))
