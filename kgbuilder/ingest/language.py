"""What a text's characters alone tell: its language and about how many model tokens it costs."""

import re

from kgbuilder.records import Language

__all__ = ["CJK", "count_tokens", "detect_language", "is_cjk", "weigh"]

CJK = (
    "\u2e80-\u2fdf\u3000-\u30ff\u31c0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    "\uff01-\uff60\uff66-\uff9f\uffe0-\uffe6\U00020000-\U0003ffff"
)
"""A character class without its brackets: signs set without spaces between them, full-width punctuation included."""

WEIGHTS_PER_TOKEN = 8

_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SINGLE_CJK = re.compile(f"[{CJK}]")
_SAMPLE_CHARS = 4_000
_LETTERS_PER_HAN = 3


def is_cjk(char: str) -> bool:
    """Tell whether `char` is a Chinese or Japanese sign or a full-width mark."""
    return char > "\u2e7f" and _SINGLE_CJK.match(char) is not None


def detect_language(text: str) -> Language:
    """Return "zh", "en" or "und" by counting scripts; of a long text three samples are counted.

    Latin script counts as "en". A Chinese character weighs as much as three letters, so Chinese with foreign names
    in it stays Chinese. Japanese, Korean and all other scripts are "und".
    """
    sample = _sample(text)
    if sample.isascii():
        return "en" if _LATIN.search(sample) else "und"
    n_han = _count(_HAN, sample)
    if _KANA.search(sample) and 10 * len(_KANA.findall(sample)) > n_han:
        return "und"
    if 2 * n_han > len(sample):
        return "zh"
    n_latin = _count(_LATIN, sample)
    n_other = _count(_LETTERS, sample) - n_han - n_latin
    if n_other > max(n_latin, n_han) or not n_han + n_latin:
        return "und"
    return "zh" if n_han * _LETTERS_PER_HAN >= n_latin else "en"


def count_tokens(text: str) -> int:
    """Estimate the model tokens of `text`: a CJK character is one, four other characters are one."""
    return -(-weigh(text) // WEIGHTS_PER_TOKEN)


def weigh(text: str) -> int:
    """Return the token estimate in eighths of a token, which unlike whole tokens add up over parts of a text.

    The length in UTF-8 tells wide characters apart faster than a scan does: a CJK character takes two bytes more
    than an ASCII one and is to weigh six eighths more.
    """
    n_chars = len(text)
    if text.isascii():
        return 2 * n_chars
    return 2 * n_chars + 3 * (len(text.encode("utf-8", "surrogatepass")) - n_chars)


def _sample(text: str) -> str:
    if len(text) <= _SAMPLE_CHARS:
        return text
    part, middle = _SAMPLE_CHARS // 3, len(text) // 2
    return text[:part] + text[middle : middle + part] + text[-part:]


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))
