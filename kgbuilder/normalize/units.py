"""Units and currencies under one name each. Nothing is converted; a sign that countries share is the usual one."""

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["CURRENCY_SIGNS", "currencies", "currency", "duration_unit", "unit"]

_CURRENCIES = {
    "CNY": "元 圆 块钱 元人民币 人民币 人民币元 rmb cny yuan renminbi",
    "USD": "美元 美金 us$ usd dollar dollars us-dollars us-dollar",
    "EUR": "欧元 eur euro euros",
    "GBP": "英镑 gbp pounds-sterling sterling",
    "JPY": "日元 日圆 jpy yen",
    "HKD": "港元 港币 港圆 hk$ hkd hong-kong-dollars",
    "TWD": "新台币 台币 新台币元 nt$ twd",
    "MOP": "澳门元 葡币 mop",
    "KRW": "韩元 韩圆 krw won",
    "SGD": "新加坡元 新币 s$ sgd",
    "AUD": "澳元 澳币 a$ au$ aud",
    "CAD": "加元 加币 c$ ca$ cad",
    "NZD": "纽元 nz$ nzd",
    "CHF": "瑞士法郎 chf sfr swiss-francs",
    "RUB": "卢布 俄罗斯卢布 rub roubles rubles",
    "INR": "印度卢比 inr rs rupees",
    "THB": "泰铢 thb baht",
    "MYR": "马来西亚林吉特 林吉特 myr rm ringgit",
    "IDR": "印尼盾 idr rp rupiah",
    "VND": "越南盾 vnd dong",
    "PHP": "菲律宾比索 php",
    "BRL": "巴西雷亚尔 雷亚尔 brl r$ reais",
    "MXN": "墨西哥比索 mxn",
    "SEK": "瑞典克朗 sek",
    "NOK": "挪威克朗 nok",
    "DKK": "丹麦克朗 dkk",
    "PLN": "兹罗提 pln zloty",
    "CZK": "czk",
    "HUF": "huf",
    "TRY": "土耳其里拉 try lira",
    "ZAR": "兰特 zar rand",
    "SAR": "sar",
    "AED": "迪拉姆 aed dirhams",
    "ILS": "ils shekels",
    "EGP": "egp",
    "NGN": "ngn naira",
    "KES": "kes",
    "GHS": "ghs gh¢ cedis",
    "tael of silver": "两白银 两银子 银两",
    "silver yuan": "银元",
}
CURRENCY_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₩": "KRW", "₹": "INR", "₽": "RUB", "฿": "THB"}

_UNITS = {
    # lengths
    "km": "公里 千米 km kilometre kilometres kilometer kilometers kms",
    "m": "米 公尺 m metre metres meter meters",
    "dm": "分米 dm",
    "cm": "厘米 公分 cm centimetre centimetres centimeter centimeters",
    "mm": "毫米 mm millimetre millimetres millimeter millimeters",
    "μm": "微米 μm um micron microns micrometre micrometres",
    "nm": "纳米 nm nanometre nanometres nanometer nanometers",
    "li": "里 华里",
    "chi": "尺",
    "zhang": "丈",
    "in": "英寸 吋 inch inches",
    "ft": "英尺 呎 ft foot feet",
    "yd": "yard yards",
    "mi": "英里 mile miles mi",
    "nmi": "海里 nmi nautical-miles nautical-mile",
    "ly": "光年 light-years light-year ly",
    "au": "天文单位 au",
    # areas and volumes
    "km2": "平方公里 平方千米 km2 sq-km square-kilometres square-kilometers square-kilometre square-kilometer",
    "m2": "平方米 平米 m2 sq-m square-metres square-meters sqm",
    "cm2": "平方厘米 cm2",
    "ha": "公顷 ha hectare hectares",
    "mu": "亩",
    "acre": "英亩 acre acres",
    "mi2": "平方英里 sq-mi square-miles",
    "ft2": "平方英尺 sq-ft square-feet",
    "m3": "立方米 m3 cubic-metres cubic-meters",
    "km3": "立方公里 立方千米 km3",
    "cm3": "立方厘米 cm3",
    "L": "升 公升 l litre litres liter liters",
    "mL": "毫升 ml millilitre millilitres milliliter milliliters",
    "bbl": "桶 barrel barrels bbl",
    # masses
    "t": "吨 公吨 t tonne tonnes metric-tons metric-ton",
    "ton": "ton tons",
    "kg": "公斤 千克 kg kilogram kilograms kilo kilos kgs",
    "g": "克 g gram grams",
    "mg": "毫克 mg milligram milligrams",
    "μg": "微克 μg ug mcg microgram micrograms",
    "jin": "斤 市斤",
    "tael": "两",
    "lb": "磅 lb lbs",
    "oz": "盎司 oz ounce ounces",
    # temperatures, speeds, power, data
    "°C": "℃ °c 摄氏度 degrees-celsius celsius degrees-centigrade",
    "°F": "℉ °f 华氏度 degrees-fahrenheit fahrenheit",
    "K": "开尔文 kelvin",
    "°": "度 ° degree degrees",
    "km/h": "公里/小时 公里/时 千米/小时 km/h kmh kph kilometres-per-hour kilometers-per-hour",
    "m/s": "米/秒 m/s metres-per-second meters-per-second",
    "mph": "mph miles-per-hour",
    "kn": "knot knots",
    "W": "瓦 瓦特 watt watts",
    "kW": "千瓦 kw kilowatt kilowatts",
    "MW": "兆瓦 mw megawatt megawatts",
    "GW": "吉瓦 gw gigawatt gigawatts",
    "kWh": "千瓦时 度电 kwh",
    "MWh": "兆瓦时 mwh",
    "GWh": "gwh 吉瓦时",
    "hp": "马力 匹马力 hp horsepower",
    "V": "伏 伏特 volt volts",
    "mAh": "毫安时 mah",
    "Hz": "赫兹 hz hertz",
    "kHz": "千赫 khz",
    "MHz": "兆赫 mhz",
    "GHz": "ghz",
    "kB": "kb",
    "MB": "mb 兆字节",
    "GB": "gb gigabytes gigabyte",
    "TB": "tb terabytes terabyte",
    "px": "像素 pixel pixels",
    "mmHg": "毫米汞柱 mmhg",
    "cal": "卡 卡路里",
    "kcal": "千卡 大卡 kcal",
    # counts
    "person": "人 名 位 口人 名员工 名职工 名学生 people person persons employees employee inhabitants residents",
    "household": "户 households household",
    "company": "家公司 家企业 companies",
    "share": "股 shares share",
    "vehicle": "辆 辆车 vehicles vehicle",
    "bed": "张床位 张病床 beds bed",
    "floor": "层 层楼 floors storeys stories floor",
    "page": "页 pages page",
    "episode": "集 episodes episode",
    "pp": "个百分点 百分点 percentage-points percentage-point",
}
_CASED = {"mW": "mW", "Mb": "Mb", "Gb": "Gb", "kb": "kb", "Kb": "kb", "mB": "mB"}
_DURATIONS = {
    "Y": "年 周年 载 year years yr yrs",
    "M": "个月 个月份 month months",
    "W": "周 个星期 星期 个礼拜 礼拜 week weeks wk wks",
    "D": "天 日 昼夜 day days",
    "H": "小时 个小时 个钟头 钟头 hour hours hr hrs",
    "MIN": "分钟 minute minutes min mins",
    "S": "秒 秒钟 second seconds sec secs",
}


@lru_cache(maxsize=8)
def _by_name(kind: str) -> dict[str, str]:
    table = {"currency": _CURRENCIES, "unit": _UNITS, "duration": _DURATIONS}[kind]
    return {alias.replace("-", " "): name for name, aliases in table.items() for alias in aliases.split()}


def currencies() -> Iterable[str]:
    """Return the folded names of all currencies."""
    return _by_name("currency")


def currency(name: str) -> str | None:
    """Return the ISO 4217 code of a currency by a folded name."""
    return _by_name("currency").get(name)


def unit(name: str, written: str = "") -> str | None:
    """Return the symbol of a unit by a folded name; a rate such as 元/吨 or km/h is two units and a stroke.

    `written` is the name before folding, where case tells units apart: mW and MW.
    """
    known = _CASED.get(written) or _by_name("unit").get(name)
    if known or "/" not in name:
        return known
    above, _, below = name.partition("/")
    left = currency(above) or unit(above)
    right = None if "/" in below else unit(below) or duration_unit(below)
    return f"{left}/{right}" if left and right else None


def duration_unit(name: str) -> str | None:
    """Return Y, M, W, D, H, MIN or S by a folded name."""
    return _by_name("duration").get(name)
