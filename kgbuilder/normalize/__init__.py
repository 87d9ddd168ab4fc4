"""Names and values in the one form that their spellings share."""

from kgbuilder.normalize.fold import fold, simplified
from kgbuilder.normalize.names import bracketed, name_key
from kgbuilder.normalize.pinyin import pinyin_key
from kgbuilder.normalize.values import TypedValue, value

__all__ = ["TypedValue", "bracketed", "fold", "name_key", "pinyin_key", "simplified", "value"]
