"""Read traditional Chinese characters as simplified ones, one for one, so that offsets stay."""

from collections.abc import Callable
from functools import lru_cache

__all__ = ["simplify"]


class _Simplified(dict[int, str]):
    """What each character becomes in `str.translate`; filled as characters are met."""

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, code: int) -> str:
        char = chr(code)
        converted = self._convert(char) if "\u4e00" <= char <= "\u9fff" else char
        self[code] = converted if len(converted) == 1 else char
        return self[code]


def simplify(text: str) -> str:
    """Return `text` in simplified characters, of the same length."""
    return text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> _Simplified:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return _Simplified(convert)
