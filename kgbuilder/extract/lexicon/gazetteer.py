"""Names known by heart, found with spaCy's PhraseMatcher; a large list is kept as a DocBin beside its content hash."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import yaml

from kgbuilder.errors import ConfigError
from kgbuilder.ids import content_id

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

__all__ = ["Entry", "Finder", "Gazetteer", "Hit", "Tokens", "characters", "read_entries", "words"]

Entry = tuple[str, str]
"""A name and its kind."""
Hit = tuple[int, int, str]
"""Start and end of a known name in a text, and its kind."""
Tokens = tuple[list[str], list[int], list[int]]
"""Tokens of a text, their starts and their ends."""

MAX_NAME_CHARS = 200
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|\S")
_UNKNOWN = "\ufffd"


def characters(text: str) -> Tokens:
    """Split Chinese text: every character is a token, so a name is found wherever it stands."""
    return list(text), list(range(len(text))), list(range(1, len(text) + 1))


def words(text: str) -> Tokens:
    """Split text of an alphabetic script at white space and punctuation; a possessive 's is left off."""
    tokens: Tokens = ([], [], [])
    for match in _WORD.finditer(text):
        word, start, end = match.group(), match.start(), match.end()
        if word.endswith(("'s", "’s")) and len(word) > 2:
            word, end = word[:-2], end - 2
        tokens[0].append(word)
        tokens[1].append(start)
        tokens[2].append(end)
    return tokens


class Finder(Protocol):
    """Something else that finds names, such as patterns."""

    def find(self, text: str) -> list[Hit]:
        """Return what is found in a text."""
        ...


class Gazetteer:
    """Finds every known name in a text, overlapping ones included, by exact characters or words in lower case; and
    what `ruler` finds."""

    def __init__(
        self,
        entries: Iterable[Entry],
        split: Callable[[str], Tokens],
        cache_dir: Path | None = None,
        ruler: "Finder | None" = None,
    ) -> None:
        import spacy
        from spacy.matcher import PhraseMatcher

        self._split = split
        self._ruler = ruler
        self._kinds: dict[str, list[str]] = {}
        for name, kind in entries:
            kinds = self._kinds.setdefault(name.lower(), [])
            if kind not in kinds:
                kinds.append(kind)
        # A blank pipeline: nothing is downloaded, only its vocabulary is used.
        self._vocab: Vocab = spacy.blank("xx").vocab
        self._matcher = PhraseMatcher(self._vocab)
        docs = _docs(sorted(self._kinds), split, self._vocab, cache_dir)
        self._known = {token.text for doc in docs for token in doc}
        if docs:
            self._matcher.add("name", docs)

    def find(self, text: str) -> list[Hit]:
        """Return the known names of `text`, a kind each, by start and then the longest first."""
        from spacy.tokens import Doc

        tokens, starts, ends = self._split(text.lower())
        hits: list[Hit] = self._ruler.find(text) if self._ruler else []
        if len(starts) == 0 or not self._known:
            return hits
        # Words of no name are one and the same to the matcher: else the vocabulary would grow with the corpus.
        known = self._known
        doc = Doc(self._vocab, words=[token if token in known else _UNKNOWN for token in tokens])
        for _, first, last in self._matcher(doc):
            start, end = starts[first], ends[last - 1]
            for kind in self._kinds.get(_joined(tokens, starts, ends, first, last), ()):
                hits.append((start, end, kind))
        hits.sort(key=lambda hit: (hit[0], -hit[1]))
        return hits


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Read names and labels from YAML ({label: [names]}) or from lines "name<TAB>label".

    Raises:
        ConfigError: when the file cannot be read or has another form, naming the line.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
        entries = _from_yaml(content) if path.suffix.lower() in (".yaml", ".yml") else _from_lines(content, path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"the gazetteer cannot be read: {error}", where=str(path), remedy="give a UTF-8 file of YAML or TSV"
        ) from error
    except TypeError as error:
        remedy = "write {PER: [name, ...], ORG: [...]}"
        raise ConfigError("the gazetteer is no mapping of labels to names", where=str(path), remedy=remedy) from error
    return tuple((name, label) for name, label in entries if 0 < len(name) <= MAX_NAME_CHARS)


def _from_yaml(content: str) -> list[Entry]:
    parsed = yaml.safe_load(content) or {}
    if not isinstance(parsed, dict) or not all(isinstance(names, list) for names in parsed.values()):
        raise TypeError
    return [(str(name).strip(), str(label)) for label, names in parsed.items() for name in names]


def _from_lines(content: str, path: Path) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, tab, label = line.partition("\t")
        if not tab or not label.strip():
            raise ConfigError("a line has no label", where=f"{path}:{number}", remedy="write name<TAB>label")
        entries.append((name.strip(), label.strip()))
    return entries


def _joined(tokens: Sequence[str], starts: Sequence[int], ends: Sequence[int], first: int, last: int) -> str:
    parts: list[str] = [tokens[first]]
    for at in range(first + 1, last):
        parts.append(("" if starts[at] == ends[at - 1] else " ") + tokens[at])
    return "".join(parts)


def _docs(names: Sequence[str], split: Callable[[str], Tokens], vocab: "Vocab", cache_dir: Path | None) -> "list[Doc]":
    from spacy.tokens import Doc, DocBin

    if cache_dir is None:
        return [Doc(vocab, words=split(name)[0]) for name in names]
    key = content_id("gazetteer", split.__name__, json.dumps(names))
    path = cache_dir / f"gazetteer-{key}.spacy"
    if path.is_file():
        try:
            cached = list(DocBin().from_disk(path).get_docs(vocab))
        except (ValueError, KeyError, OSError, EOFError):
            cached = []
        if len(cached) == len(names):
            return cached
    docs = [Doc(vocab, words=split(name)[0]) for name in names]
    cache_dir.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs).to_disk(path)
    return docs
