"""What this package raises: one error that lists every mistake, each with its file and line."""

from collections.abc import Sequence

__all__ = ["SchemaError"]


class SchemaError(ValueError):
    """An ontology or a statement cannot be used.

    `what` is one sentence, `where` names the file, `remedy` is what the reader can do, and `mistakes` holds one line
    a mistake ("file:line: what; remedy"), in the order in which they stand in the file.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "", mistakes: Sequence[str] = ()) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        self.mistakes = tuple(mistakes)
        super().__init__(what, where, remedy, self.mistakes)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text} ({self.remedy})" if self.remedy else text
        return "\n".join((text, *(f"  {mistake}" for mistake in self.mistakes)))
