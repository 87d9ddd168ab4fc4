"""What the rules know about a language, read from the YAML files beside the code."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

from kgbuilder.extract.lexicon.gazetteer import Entry

__all__ = ["Forms", "data_text", "load_forms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """Names known by heart, endings of names by label, word lists, and cues with what they say."""

    entries: tuple[Entry, ...]
    endings: Mapping[str, frozenset[str]]
    lists: Mapping[str, frozenset[str]]
    cues: Mapping[str, Mapping[str, int]]


@lru_cache(maxsize=4)
def load_forms(language: str) -> Forms:
    """Load the word lists of "zh" or "en"."""
    content = _load(f"{language}_names.yaml") | _load(f"{language}_forms.yaml")
    names = _texts(content.pop("names"))
    endings = _texts(content.pop("endings"))
    lists = {key: _split(value) for key, value in content.items() if isinstance(value, str)}
    cues = {
        key: {word: int(points) for points, text in sorted(value.items()) for word in _split(str(text))}
        for key, value in content.items()
        if isinstance(value, dict)
    }
    return Forms(
        entries=tuple((name, kind) for kind, text in names.items() for name in _ordered(text)),
        endings={kind: frozenset(_ordered(text)) for kind, text in endings.items()},
        lists={key: frozenset(value) for key, value in lists.items()},
        cues=cues,
    )


def data_text(name: str) -> str:
    """Return the text of a data file of this package."""
    return resources.files("kgbuilder.extract.lexicon").joinpath("data", name).read_text(encoding="utf-8")


def _load(name: str) -> dict[str, object]:
    # The C loader is several times faster, and not everywhere built.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(data_text(name), Loader=loader)
    return {str(key): value for key, value in content.items()}


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}


def _ordered(text: str) -> list[str]:
    return list(dict.fromkeys(_split(text)))


def _split(text: str) -> list[str]:
    """Split at commas where there are some that end a word, else at white space."""
    parts = text.split(", ") if ", " in text else text.split()
    return [part.strip().rstrip(",") if len(part.strip()) > 1 else part.strip() for part in parts]
