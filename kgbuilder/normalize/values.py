"""Dates and quantities as typed values, with what was written kept."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kgbuilder.normalize.dates import parse_date
from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.fold import fold
from kgbuilder.normalize.quantities import QuantityKind, parse_quantity

__all__ = ["TypedValue", "value"]

MAX_VALUE_CHARS = 64
"""Longer texts are sentences, not values; it also bounds the time."""

ValueKind = Literal["date", QuantityKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedValue:
    """A date or quantity. Two texts with the same `canonical` mean the same value.

    kind "date": `canonical` is ISO 8601-2 (see `dates`) and `precision` its smallest part. Other kinds: `number` is an
    exact decimal (or "low/high", or an ISO 8601 duration), `unit` an ISO 4217 code or the symbol of a unit, `bound` is
    "" or one of "~" (about), ">" and "<". `text` is what was written.
    """

    kind: ValueKind
    canonical: str
    text: str
    precision: str = ""
    number: str = ""
    unit: str = ""
    bound: str = ""


def value(text: str, label: str) -> TypedValue | None:
    """Read a text as a date or quantity, as its label says; None unless all of it is understood.

    A label of neither kind gets a value only where the text leaves no doubt: a date that is more than a bare number, or
    a number with a known unit. Never raises, and takes bounded time on any text.
    """
    if not text or len(text) > MAX_VALUE_CHARS:
        return None
    return _value(text, family(label))


@lru_cache(maxsize=16384)
def _value(text: str, kind: Family) -> TypedValue | None:
    folded = fold(text)
    if not folded:
        return None
    if kind == "time":
        return _date(text, folded)
    if kind == "number":
        found = _quantity(text, folded, any_unit=True) or _date(text, folded)
        # A quantity may be a year, but 8:30 is a score as likely as a time.
        return None if found and found.canonical.startswith("T") else found
    if folded.isalpha() and folded.isascii():
        return None
    return _quantity(text, folded, any_unit=False) or (None if folded.isdigit() else _date(text, folded))


def _date(text: str, folded: str) -> TypedValue | None:
    moment = parse_date(folded)
    if moment is None:
        return None
    return TypedValue(kind="date", canonical=moment.iso, text=text, precision=moment.precision)


def _quantity(text: str, folded: str, *, any_unit: bool) -> TypedValue | None:
    found = parse_quantity(folded, text, any_unit=any_unit)
    if found is None or (not any_unit and found.kind == "number"):
        return None
    return TypedValue(
        kind=found.kind, canonical=found.canonical, text=text, number=found.number, unit=found.unit, bound=found.bound
    )
