"""Vectors of tokens from a network of characters that was trained on other text and stays as it is.

The network reads the characters of a text from both sides. A token is given what was read up to its last character and
what was read, from the other side, up to its first, so one that covers several characters needs no rule of its own.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kgbuilder.extract.compact.features import Features
from kgbuilder.extract.compact.session import Session, open_session

__all__ = ["CONTEXT_CHARACTERS", "CONTEXT_GRAPH", "CharacterContext", "load_context"]

CONTEXT_GRAPH, CONTEXT_CHARACTERS = "context.onnx", "context.json"


class CharacterContext:
    """A frozen network of characters; `size` is the number of numbers that it gives a token."""

    def __init__(self, characters: Mapping[str, int], unknown: int, size: int, session: Session) -> None:
        self._characters, self._unknown, self.size, self._session = characters, unknown, size, session

    def vectors(self, pieces: Sequence[Features], length: int) -> npt.NDArray[np.float32]:
        """Return (n_pieces, length, size), zero beyond the tokens of a piece."""
        out = np.zeros((len(pieces), length, self.size), np.float32)
        read = [(row, piece) for row, piece in enumerate(pieces) if len(piece)]
        if not read:
            return out
        bounds = [(int(piece.spans[0, 0]), int(piece.spans[-1, 1])) for _, piece in read]
        longest = max(end - start for start, end in bounds)
        characters = np.zeros((longest, len(read)), np.int64)
        for column, ((_, piece), (start, end)) in enumerate(zip(read, bounds, strict=True)):
            ids = [self._characters.get(char, self._unknown) for char in piece.text[start:end]]
            characters[: end - start, column] = ids
        places = [
            (piece.spans.astype(np.int64) - start) * len(read) + column
            for column, ((_, piece), (start, _)) in enumerate(zip(read, bounds, strict=True))
        ]
        flat = np.concatenate(places)
        (vectors,) = self._session.run(
            None,
            {
                "characters": characters,
                "lengths": np.array([end - start for start, end in bounds], np.int32),
                "first": flat[:, 0],
                "last": flat[:, 1] - len(read),
            },
        )
        at = 0
        for row, piece in read:
            out[row, : len(piece)] = vectors[at : at + len(piece)]
            at += len(piece)
        return out


def load_context(folder: Path, *, n_threads: int = 1) -> CharacterContext | None:
    """Return the network of a model folder, None for a model that has none.

    Raises:
        ModelError: when the graph cannot be loaded.
        OSError, ValueError, KeyError: when the characters are not of the form that `training` writes.
    """
    if not (folder / CONTEXT_GRAPH).is_file():
        return None
    stated = json.loads((folder / CONTEXT_CHARACTERS).read_text(encoding="utf-8"))
    session = open_session(folder / CONTEXT_GRAPH, n_threads=n_threads)
    return CharacterContext(stated["characters"], stated["unknown"], stated["size"], session)
