"""Chinese and Japanese eras: the year before the first, and how many years each counted.

Sources: the reign titles of Ming and Qing as in any dynastic table; Japanese eras since 1868. An era of 1912 or later
counts Gregorian months and days, an earlier one those of the lunar calendar. Japan took the Gregorian calendar in 1873.
"""

from dataclasses import dataclass

__all__ = ["ERAS", "Era"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """An era name: year 1 is `before` + 1, and `n_years` is the last year it counted."""

    before: int
    n_years: int
    solar_from: int


_LUNAR = 10_000
_ROWS = (
    ("洪武", 1367, 31, _LUNAR),
    ("建文", 1398, 4, _LUNAR),
    ("永乐", 1402, 22, _LUNAR),
    ("洪熙", 1424, 1, _LUNAR),
    ("宣德", 1425, 10, _LUNAR),
    ("正统", 1435, 14, _LUNAR),
    ("景泰", 1449, 8, _LUNAR),
    ("天顺", 1456, 8, _LUNAR),
    ("成化", 1464, 23, _LUNAR),
    ("弘治", 1487, 18, _LUNAR),
    ("正德", 1505, 16, _LUNAR),
    ("嘉靖", 1521, 45, _LUNAR),
    ("隆庆", 1566, 6, _LUNAR),
    ("万历", 1572, 48, _LUNAR),
    ("泰昌", 1619, 1, _LUNAR),
    ("天启", 1620, 7, _LUNAR),
    ("崇祯", 1627, 17, _LUNAR),
    ("天聪", 1626, 10, _LUNAR),
    ("崇德", 1635, 8, _LUNAR),
    ("顺治", 1643, 18, _LUNAR),
    ("康熙", 1661, 61, _LUNAR),
    ("雍正", 1722, 13, _LUNAR),
    ("乾隆", 1735, 60, _LUNAR),
    ("嘉庆", 1795, 25, _LUNAR),
    ("道光", 1820, 30, _LUNAR),
    ("咸丰", 1850, 11, _LUNAR),
    ("同治", 1861, 13, _LUNAR),
    ("光绪", 1874, 34, _LUNAR),
    ("宣统", 1908, 3, _LUNAR),
    ("民国", 1911, 150, 1),
    ("明治", 1867, 45, 6),
    ("大正", 1911, 15, 1),
    ("昭和", 1925, 64, 1),
    ("平成", 1988, 31, 1),
    ("令和", 2018, 100, 1),
)
ERAS = {name: Era(before=before, n_years=n, solar_from=solar) for name, before, n, solar in _ROWS}
"""Eras by their simplified name."""
