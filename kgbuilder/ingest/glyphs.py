"""Characters that PDF fonts put in place of others of the same look: radicals for ideographs, ligatures for letters."""

import unicodedata
from functools import lru_cache

__all__ = ["fold_glyphs"]

# Radicals of the supplement with the ideograph each one is, in pairs.
# Source: Unicode Character Database, EquivalentUnifiedIdeograph.txt; NFKC folds only two of them.
_SUPPLEMENT = (
    "⺁厂⺂乛⺃乚⺄乙⺅亻⺆冂⺈刀⺉刂⺊卜⺋㔾⺎兀⺏尣⺐尢⺒巳⺓幺⺔彑⺕彐⺖忄⺗㣺⺘扌⺙攵⺛旡⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺥爫⺦丬⺨犭⺫罒⺬示⺭礻"
    "⺯糹⺰纟⺱罓⺳㓁⺹耂⺺肀⺼月⺽臼⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻈讠⻉贝⻋车⻌辶⻍辶⻏阝⻐钅⻑長⻒镸⻓长⻔门⻖阝⻘青⻙韦⻚页"
    "⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
)
_KANGXI = range(0x2F00, 0x2FD6)
_LIGATURES = range(0xFB00, 0xFB07)


def fold_glyphs(text: str) -> str:
    """Replace radicals by their ideographs, Latin ligatures by their letters, and drop soft hyphens."""
    return text if text.isascii() else text.translate(_folds())


@lru_cache(maxsize=1)
def _folds() -> dict[int, str]:
    folds = {ord(radical): ideograph for radical, ideograph in zip(_SUPPLEMENT[::2], _SUPPLEMENT[1::2], strict=True)}
    for code in (*_KANGXI, *_LIGATURES):
        folds[code] = unicodedata.normalize("NFKC", chr(code))
    folds[0xAD] = ""
    return folds
