"""Find texts that say the same: equal, nearly equal, or one inside the other, whatever their spelling.

Texts are compared by shingles, the runs of a few letters in their folded form. The overlap of two texts is the share
of the shingles of the shorter one that the longer one has too.

Source: Broder 1997, On the resemblance and containment of documents.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kgbuilder.normalize import fold

__all__ = ["MIN_OVERLAP", "TextIndex", "near_duplicates", "normalized"]

MIN_OVERLAP = 0.8
"""From this overlap on, in [0, 1], two texts count as the same."""

_N_CHARS = {True: 5, False: 14}
"""Length of a shingle: in Chinese a character is most of a word, elsewhere a word has five to six letters."""

_MIN_SHINGLES = 6
_MAX_TEXTS = 64


def normalized(text: str) -> str:
    """Return the letters and digits of a text alone, folded: no signs, spaces, case, width, script variants."""
    return "".join(char for char in fold(text) if char.isalnum())


class TextIndex:
    """Texts that can be asked which of them a further text repeats; they are numbered in the order of adding."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._by_form: dict[str, int] = {}
        self._by_shingle: defaultdict[str, list[int]] = defaultdict(list)
        self._n_shingles: list[int] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> int:
        """Add a text and return its number."""
        number = len(self._n_shingles)
        form = normalized(text)
        shingles = _shingles(form)
        self._by_form.setdefault(form, number)
        self._n_shingles.append(len(shingles))
        for shingle in shingles:
            self._by_shingle[shingle].append(number)
        return number

    def find(self, text: str) -> tuple[int, ...]:
        """Return the numbers of the texts that `text` equals, contains or is part of, the nearest first.

        Texts shorter than a few words are compared as a whole only. Phrases that very many texts share do not count.
        """
        form = normalized(text)
        shingles = _shingles(form)
        shared: Counter[int] = Counter()
        for shingle in shingles:
            numbers = self._by_shingle.get(shingle, ())
            shared.update(numbers if len(numbers) <= _MAX_TEXTS else ())
        scores = {number: self._overlap(number, n, len(shingles)) for number, n in shared.items()}
        if form in self._by_form:
            scores[self._by_form[form]] = 2.0
        near = [number for number, score in scores.items() if score >= MIN_OVERLAP]
        return tuple(sorted(near, key=lambda number: (-scores[number], number)))

    def _overlap(self, number: int, n_shared: int, n_shingles: int) -> float:
        n_shorter = min(self._n_shingles[number], n_shingles)
        return n_shared / n_shorter if n_shorter >= _MIN_SHINGLES else 0.0


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the pairs (earlier, later) of texts that say the same, each once."""
    index = TextIndex()
    for number, text in enumerate(texts):
        for earlier in sorted(index.find(text)):
            yield earlier, number
        index.add(text)


def _shingles(form: str) -> frozenset[str]:
    n_han = sum("\u3400" <= char <= "\u9fff" for char in form)
    n_chars = _N_CHARS[2 * n_han > len(form)]
    return frozenset(form[at : at + n_chars] for at in range(len(form) - n_chars + 1))
