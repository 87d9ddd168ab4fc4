"""Names from ontologies and models, folded for comparison and made into identifiers that are safe in Cypher.

An identifier is made from the folded name alone, so every spelling of one name has one identifier on every machine.
Where folding the identifier does not give the folded name back (signs were dropped, or it was cut), a hash of the
folded name is appended behind two underscores: names that differ never share an identifier.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

__all__ = ["RESERVED_LABELS", "RESERVED_TYPES", "fold", "node_label", "quoted", "relationship_type"]

RESERVED_LABELS = frozenset({"Entity", "Chunk", "Document"})
RESERVED_TYPES = frozenset({"PART_OF", "NEXT", "MENTIONED_IN"})

MAX_CHARS = 64
_HASH_CHARS = 8
_MAX_CACHED_CHARS = 100

# A lower-case letter before a capital, or the last capital of several before a lower-case letter: placeOf, DNASequence.
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\s_\-‐-―·・]+")
_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BESIDE_CJK = re.compile(f"(?<=[{_CJK}]) | (?=[{_CJK}])")
_NOT_IN_A_NAME = re.compile("[\x00\ud800-\udfff]")
# Neo4j resolves the escape of a backtick before it looks for the closing one, so the escape counts as a backtick.
_BACKTICK = re.compile(r"`|\\u+0060")
# An identifier made here, given back: it must stay what it is.
_HASHED = re.compile(r".{1,54}__[0-9a-f]{8}", re.DOTALL)
_NOTHING = {"Cc": " ", "Zl": " ", "Zp": " ", "Zs": " ", "Cf": "", "Cs": "", "Co": "", "Cn": ""}


def fold(name: str) -> str:
    """Return the form in which two spellings of one name are equal; "" when nothing readable is left.

    Folds width, case, camel case, underscores, hyphens and spaces, and drops control, format (zero-width,
    bidirectional), private and surrogate characters.
    """
    return _fold_cached(name) if len(name) <= _MAX_CACHED_CHARS else _fold(name)


def _fold(name: str) -> str:
    if name.isascii() and name.isprintable():
        text = _CAMEL.sub(" ", name)
        return _SEPARATORS.sub(" ", text).strip().lower()
    folded = _fold_once(name)
    # Dropping a character can bring two together that compose; a second pass settles all but contrived names.
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def _fold_once(name: str) -> str:
    text = _readable(unicodedata.normalize("NFKC", _readable(name)))
    text = _CAMEL.sub(" ", text)
    text = unicodedata.normalize("NFKC", text.casefold())
    text = _SEPARATORS.sub(" ", text).strip()
    return _BESIDE_CJK.sub("", text)


_fold_cached = lru_cache(maxsize=4096)(_fold)


def _readable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(_NOTHING.get(unicodedata.category(char), char) for char in text)


def node_label(name: str) -> str:
    """Return the node label for any name: words joined as in PlaceOfBirth, CJK kept, at most 64 characters."""
    return _node_label_cached(name) if len(name) <= _MAX_CACHED_CHARS else _node_label(name)


def relationship_type(name: str) -> str:
    """Return the relationship type for any name: words joined as in PLACE_OF_BIRTH, CJK kept, at most 64 characters."""
    return _relationship_type_cached(name) if len(name) <= _MAX_CACHED_CHARS else _relationship_type(name)


def _node_label(name: str) -> str:
    if _is_hashed(name):
        return name
    key = fold(name)
    label = ""
    for word in _words(key):
        capital = word[0].upper()
        # Only between ASCII letters does a capital tell where a word starts; elsewhere an underscore does.
        joined = not label or (label[-1] in ascii_lowercase and capital in ascii_uppercase)
        label += (capital if len(capital) == 1 else word[0]) + word[1:] if joined else f"_{word}"
    return _distinct(label or "Unnamed", key, RESERVED_LABELS)


def _relationship_type(name: str) -> str:
    if _is_hashed(name):
        return name
    key = fold(name)
    return _distinct("_".join(word.upper() for word in _words(key)) or "UNNAMED", key, RESERVED_TYPES)


_node_label_cached = lru_cache(maxsize=4096)(_node_label)
_relationship_type_cached = lru_cache(maxsize=4096)(_relationship_type)


def _words(key: str) -> list[str]:
    # Twice the bound is more than any identifier keeps; whatever is cut shows in the hash.
    text = "".join(char if _is_word(char) else " " for char in key[: 2 * MAX_CHARS])
    return text.split()


def _is_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def _is_hashed(name: str) -> bool:
    return _HASHED.fullmatch(name) is not None and all(char == "_" or _is_word(char) for char in name)


def _distinct(identifier: str, key: str, reserved: frozenset[str]) -> str:
    if not identifier[0].isalpha() and identifier[0] != "_":
        identifier = "_" + identifier
    if identifier in reserved:
        identifier += "_"
    if not key or (len(identifier) <= MAX_CHARS and fold(identifier) == key):
        return identifier
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    return f"{identifier[: MAX_CHARS - _HASH_CHARS - 2].rstrip('_')}__{digest}"


def quoted(identifier: str) -> str:
    """Return `identifier` in backticks for Cypher, a backtick inside doubled; the only place that escapes names."""
    if not identifier or _NOT_IN_A_NAME.search(identifier):
        raise ValueError(f"not a Cypher identifier: {identifier!r}")
    return "`" + _BACKTICK.sub("``", identifier) + "`"
