"""How much one file may cost before it is refused."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one file; none of them bounds the length of its text.

    `max_file_bytes` is checked before the file is opened. `max_unpacked_bytes` and `max_unpack_ratio` (unpacked to
    packed) hold for archives such as docx. `max_field_chars` is the longest CSV field, which is how a quote that is
    never closed shows. `max_reader_s` and `max_reader_bytes` (address space) hold for the child process that
    `read_isolated` uses.
    """

    max_file_bytes: int = 256 * 1024**2
    max_unpacked_bytes: int = 512 * 1024**2
    max_unpack_ratio: int = 200
    max_pages: int = 20_000
    max_field_chars: int = 1_000_000
    max_reader_s: float = 120.0
    max_reader_bytes: int = 4 * 1024**3
