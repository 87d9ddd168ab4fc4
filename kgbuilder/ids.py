"""Content-hash identifiers: the same content has the same id on every machine and in every run."""

import hashlib

__all__ = ["content_id", "sha256_text"]

_ID_CHARS = 32


def content_id(*parts: str | int) -> str:
    """Hash `parts` in order to 32 hex digits; parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ."""
    encoded = [str(part).encode("utf-8", "surrogatepass") for part in parts]
    joined = b"".join([b"%d:%b" % (len(data), data) for data in encoded])
    return hashlib.sha256(joined).hexdigest()[:_ID_CHARS]


def sha256_text(text: str) -> str:
    """Return the sha256 of the UTF-8 form of `text`, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
