"""From bytes to text: which encoding a file is in, and decoding it piece by piece."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from kgbuilder.errors import IngestError

__all__ = ["Encoding", "clean", "decode", "decode_bytes", "decode_line", "detect_encoding", "marked_codec"]

_PIECE_BYTES = 1 << 20
_SAMPLE_CHARS = 65_536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PLAIN = re.compile("[\t\n\r -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_ASCII = bytes(range(128))
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LONELY = re.compile(r"(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])")
_HAN = re.compile("[\u4e00-\u9fff]")
# A text in Chinese of any length and subject, simplified or traditional, is full of these.
_FREQUENT = re.compile(
    "[的一是不了在人有我他这个中大来上国和地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
    "種這個來國說時會對過發後為與無學實現東公司月日市区省区长第三二十北京]"
)
_SURE_UTF8_CHARS = 6
_MIN_FREQUENT = 0.03
_SAVE_AS_UTF8 = "save the file as UTF-8 and read it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A codec, the length of the byte order mark before the text, and what made the choice doubtful."""

    codec: str
    mark_bytes: int = 0
    warnings: tuple[str, ...] = ()


class _Undecodable(Exception):
    """The byte at `offset` does not fit; `n_wide` characters beyond ASCII were decoded before it."""

    def __init__(self, offset: int, n_wide: int, reason: str) -> None:
        super().__init__(offset, n_wide, reason)
        self.offset = offset
        self.n_wide = n_wide
        self.reason = reason


def detect_encoding(stream: BinaryIO, where: str) -> Encoding:
    """Find the encoding of a whole file among UTF-8, UTF-16, UTF-32 and GB18030; the stream is read to its end.

    Raises IngestError: it is none of them throughout, with the offset of the first byte that does not fit.
    """
    head = _from_start(stream, 4096)
    marked = marked_codec(head)
    if marked is not None:
        try:
            _scan(stream, marked)
        except _Undecodable as error:
            raise _refused(error, f"not {marked.codec.upper()} as its first bytes say", where) from error
        return marked
    try:
        _scan(stream, Encoding(codec="utf-8"))
        return Encoding(codec="utf-8")
    except _Undecodable as error:
        if error.n_wide >= _SURE_UTF8_CHARS:
            raise _refused(error, "not UTF-8, though the text before it is", where) from error
        return _gb18030(stream, where, error)


def marked_codec(head: bytes) -> Encoding | None:
    """Return the encoding that the first bytes give away: a byte order mark, or the pattern of UTF-16 without one."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(codec=codec, mark_bytes=len(mark))
    return _bare_utf16(head)


def decode(stream: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """Yield the text in pieces of about a million characters, every line end as "\\n".

    Raises UnicodeDecodeError where the file is not what `detect_encoding` found it to be.
    """
    stream.seek(encoding.mark_bytes)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding.codec)(), translate=True)
    while data := stream.read(_PIECE_BYTES):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def decode_bytes(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """Decode a text held in memory; return it with warnings.

    Raises IngestError: as `detect_encoding` does.
    """
    stream = io.BytesIO(data)
    encoding = detect_encoding(stream, where)
    return "".join(decode(stream, encoding)), encoding.warnings


def decode_line(line: bytes, codec: str | None) -> tuple[str, str | None]:
    """Decode one line of a file whose encoding is found as its lines come; return the text and the codec so far.

    `codec` is None until a line with more than ASCII in it has told. Raises UnicodeDecodeError.
    """
    if line.isascii():
        return line.decode("ascii"), codec
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        if codec == "utf-8" or _count_wide(line[: error.start]) >= _SURE_UTF8_CHARS:
            raise
        return _decode_gb18030(line, codec, error), "gb18030"
    if codec == "gb18030" and _count_wide(line) < _SURE_UTF8_CHARS:
        return _decode_gb18030(line, codec, None), codec
    return text, "utf-8"


def _decode_gb18030(line: bytes, codec: str | None, not_utf8: UnicodeDecodeError | None) -> str:
    try:
        text = line.decode("gb18030")
    except UnicodeDecodeError as error:
        raise not_utf8 or error from error
    if codec is None and not_utf8 is not None and _doubt(text):
        raise not_utf8
    return text


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Make line ends "\\n" and put U+FFFD for what no store takes: NUL and lone surrogates; return text and warnings.

    One character stands for one, so no offset moves. All else is kept: control, zero-width and bidi characters.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNSTORABLE.search(text) is None:
        return text, ()
    text, n_replaced = _UNSTORABLE.subn("\ufffd", text)
    return text, (f"NUL characters or lone surrogates replaced by U+FFFD: {n_replaced}",)


def _from_start(stream: BinaryIO, n_bytes: int) -> bytes:
    stream.seek(0)
    return stream.read(n_bytes)


def _bare_utf16(head: bytes) -> Encoding | None:
    """Recognise UTF-16 without a mark: read this way the text is ASCII and Chinese, read as bytes it is not.

    Two ASCII bytes read as UTF-16 are a Chinese character, so what may be UTF-8 needs a NUL in every second place.
    """
    head = head[: len(head) // 2 * 2]
    if not head or (4 * head.count(0) < len(head) and _is_utf8(head)):
        return None
    for codec in ("utf-16-le", "utf-16-be"):
        text = head.decode(codec, "replace")
        if len(_PLAIN.findall(text)) > 0.9 * len(text):
            return Encoding(codec=codec)
    return None


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _scan(stream: BinaryIO, encoding: Encoding) -> str:
    """Decode to the end, keeping nothing but a sample from the start.

    Raises _Undecodable.
    """
    stream.seek(encoding.mark_bytes)
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    offset, n_wide, sample = encoding.mark_bytes, 0, ""
    data = b"-"
    while data:
        data = stream.read(_PIECE_BYTES)
        start = offset - len(decoder.getstate()[0])
        try:
            text = decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            n_wide += _count_wide(error.object[: error.start])
            raise _Undecodable(start + error.start, n_wide, error.reason) from error
        offset += len(data)
        n_wide += _count_wide(data)
        sample = sample or text[:_SAMPLE_CHARS]
    return sample


def _count_wide(data: bytes) -> int:
    """Return about how many characters beyond ASCII valid UTF-8 holds; all of them are of three bytes or nearly so."""
    return 0 if data.isascii() else len(data.translate(None, _ASCII)) // 3


def _gb18030(stream: BinaryIO, where: str, not_utf8: _Undecodable) -> Encoding:
    """Take the file for GB18030 if it decodes and reads like a text.

    Raises IngestError: it does not.
    """
    try:
        sample = _scan(stream, Encoding(codec="gb18030"))
    except _Undecodable as error:
        furthest = max(error, not_utf8, key=lambda failure: failure.offset)
        raise _refused(furthest, "neither UTF-8 nor GB18030", where) from error
    doubt = _doubt(sample)
    if doubt == "refuse":
        raise _refused(not_utf8, "not UTF-8, and single bytes like it look like a Western encoding", where)
    warning = "read as GB18030, but hardly a common Chinese character is in it: if it is garbled, save it as UTF-8"
    return Encoding(codec="gb18030", warnings=(warning,) if doubt else ())


def _doubt(text: str) -> str:
    """Judge a text decoded as GB18030, which accepts nearly any bytes: "" is good, "warn" odd, "refuse" wrong."""
    n_wide, n_lonely = len(_NOT_ASCII.findall(text)), len(_LONELY.findall(text))
    if 2 * n_lonely > n_wide:
        return "refuse"
    n_han = len(_HAN.findall(text))
    if n_han < 0.5 * n_wide or (n_han >= 50 and len(_FREQUENT.findall(text)) < _MIN_FREQUENT * n_han):
        return "warn"
    return ""


def _refused(error: _Undecodable, what: str, where: str) -> IngestError:
    cut = "unexpected end" in error.reason or "incomplete" in error.reason or "truncated" in error.reason
    hint = "; the file may be cut off" if cut else ""
    return IngestError(f"the byte at offset {error.offset:,} is {what}{hint}", where=where, remedy=_SAVE_AS_UTF8)
