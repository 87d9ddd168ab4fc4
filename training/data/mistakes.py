"""Mistakes in annotated files: all of them at once, each with its file and line and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from kgbuilder.errors import ParseError

__all__ = ["CorpusError", "Mistake", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong at `where` (file:line), and the remedy."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what} ({self.remedy})"


class CorpusError(ParseError):
    """Annotated text does not have the form it must have; `mistakes` holds every one, in the order of the files."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        n = len(self.mistakes)
        super().__init__(f"{n} mistake{'' if n == 1 else 's'} in annotated text", remedy="mend the lines below")

    def __str__(self) -> str:
        if len(self.mistakes) == 1:
            return str(self.mistakes[0])
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


def refuse(mistakes: Sequence[Mistake]) -> None:
    """Raise CorpusError if there is any mistake."""
    if mistakes:
        raise CorpusError(mistakes)
