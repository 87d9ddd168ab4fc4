"""Token patterns that people write, in the form of spaCy's EntityRuler, found in a blank pipeline of the language."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgbuilder.errors import ConfigError
from kgbuilder.extract.lexicon.gazetteer import Hit

__all__ = ["Pattern", "Ruler", "read_patterns"]

Pattern = tuple[str, str]
"""A label, and the pattern as JSON: a phrase, or a list of tokens such as {"LOWER": "port"}, {"IS_TITLE": true}."""

_REMEDY = (
    'write {"label": "ORG", "pattern": "Acme"} or {"label": "ORG", "pattern": [{"LOWER": "acme"}, {"IS_TITLE": true}]}'
)


class Ruler:
    """Finds what patterns match; where matches overlap the longest counts, as spaCy has it."""

    def __init__(self, patterns: Sequence[Pattern], language: str) -> None:
        import spacy
        from spacy.pipeline import EntityRuler

        self._nlp = spacy.blank(language)
        self._ruler = EntityRuler(self._nlp, validate=True)
        for pattern in patterns:
            self.add(pattern)

    def add(self, pattern: Pattern) -> None:
        """Look for one more pattern; raises what spaCy raises when it takes it for none."""
        label, text = pattern
        self._ruler.add_patterns([{"label": label, "pattern": json.loads(text)}])

    def find(self, text: str) -> list[Hit]:
        """Return (start, end, label) in code points, by start."""
        # Words are forgotten at the end of the zone: else the vocabulary would grow with the corpus.
        with self._nlp.memory_zone():
            doc = self._ruler(self._nlp(text))
            return [(found.start_char, found.end_char, found.label_) for found in doc.ents]


def read_patterns(path: Path) -> tuple[Pattern, ...]:
    """Read a JSONL file of patterns, as spaCy and Prodigy write it.

    Raises:
        ConfigError: when the file cannot be read or a line is no pattern that spaCy takes, naming the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the patterns cannot be read: {error}", where=str(path), remedy="give a UTF-8 file of JSONL"
        ) from error
    ruler = Ruler((), "en")
    return tuple(_pattern(line, ruler, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip())


def _pattern(line: str, ruler: Ruler, where: str) -> Pattern:
    from spacy.errors import MatchPatternError

    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(f"this is not JSON: {error.msg}", where=where, remedy=_REMEDY) from error
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str) or not row.get("pattern"):
        raise ConfigError("a pattern has a label and a pattern", where=where, remedy=_REMEDY)
    pattern = (row["label"], json.dumps(row["pattern"], ensure_ascii=False, sort_keys=True))
    try:
        ruler.add(pattern)
    except (MatchPatternError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"no pattern of spaCy: {str(error)[:300]}", where=where, remedy=_REMEDY) from error
    return pattern
