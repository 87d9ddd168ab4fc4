"""Files in, documents and chunks out: finding, reading, language, sentences, chunks."""

from kgbuilder.ingest.boundaries import sentences
from kgbuilder.ingest.chunks import chunk, passage
from kgbuilder.ingest.files import find_files
from kgbuilder.ingest.isolation import read_isolated
from kgbuilder.ingest.language import count_tokens, detect_language
from kgbuilder.ingest.limits import Limits
from kgbuilder.ingest.places import locate
from kgbuilder.ingest.reader import read

__all__ = [
    "Limits",
    "chunk",
    "count_tokens",
    "detect_language",
    "find_files",
    "locate",
    "passage",
    "read",
    "read_isolated",
    "sentences",
]
