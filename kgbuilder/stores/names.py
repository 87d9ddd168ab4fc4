"""Labels and relationship types on a server where the two share one set of names.

In ArcadeDB a name is a vertex type or an edge type, never both. Whatever came second gets an underscore, until it is
free. What is read is told apart by the same rule, so a graph reads the same from every server.
"""

from collections.abc import Iterable

__all__ = ["SharedNames"]


class SharedNames:
    """The names that one graph uses, and which of the two each is."""

    def __init__(self, labels: Iterable[str], types: Iterable[str]) -> None:
        self._labels = set(labels)
        self._types = set(types)

    def label(self, name: str) -> str:
        """Return the label to write for `name`, and remember it."""
        return _claim(name, self._labels, self._types)

    def type(self, name: str) -> str:
        """Return the relationship type to write for `name`, and remember it."""
        return _claim(name, self._types, self._labels)

    def written_type(self, found: str) -> str:
        """Return the name for which the type `found` was written."""
        while found.endswith("_") and found[:-1] in self._labels:
            found = found[:-1]
        return found


def _claim(name: str, own: set[str], others: set[str]) -> str:
    while name in others:
        name += "_"
    own.add(name)
    return name
