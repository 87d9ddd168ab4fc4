"""Read text files line by line, cut at line ends alone."""

from pathlib import Path

from kgbuilder.errors import IngestError

__all__ = ["read_lines"]


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file without their ends; the empty piece behind the last line end is left out.

    `str.splitlines` would also cut at separators that may stand in a text.

    Raises:
        IngestError: when the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise IngestError(f"cannot be read: {error}", where=str(path), remedy="give a text file in UTF-8") from error
    return lines if lines[-1] else lines[:-1]
