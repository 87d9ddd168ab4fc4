"""Words that tell nothing about which thing a name means: legal forms, titles, kinds of business, well-known places.

All words are in folded form (see `fold`).
"""

import re
from functools import lru_cache

from kgbuilder.normalize.fold import HAN

__all__ = [
    "GENERIC_WORDS",
    "HONORIFICS",
    "LEGAL_WORDS",
    "PLACES",
    "SURNAMES",
    "generic_han",
    "is_generic",
    "without_place",
    "words_of",
]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a list written as one string."""
    return tuple(text.split())


LEGAL_WORDS = frozenset(
    words_of(
        "inc incorporated corp corporation co company ltd limited llc llp lp plc pllc gmbh ag kg kgaa se sa sas sarl "
        "sasu spa srl nv bv bvba ab oy oyj asa aps sl slu ltda lda kk gk pte pty pvt bhd sdn tbk pjsc ojsc jsc ooo"
    )
)
"""Legal forms of companies, where they stand at the end of a name."""

HONORIFICS = frozenset(
    words_of(
        "mr mrs ms miss mx dr prof professor sir dame hon rev reverend president senator sen gov governor capt "
        "captain col colonel gen general lt lieutenant sgt sergeant maj major judge justice chairman chairwoman "
        "minister secretary ambassador mayor doctor"
    )
)
"""Words before a person's name that are no part of it."""

GENERIC_WORDS = frozenset(
    words_of(
        "group holding holdings international systems system technologies technology tech solutions services service "
        "industries industry energy bank labs laboratories media networks network motors foods pharma pharmaceuticals "
        "capital partners ventures global worldwide enterprises electronics software digital consulting university "
        "college school institute hospital center centre agency department ministry office committee council "
        "commission association society foundation union court party club team company corporation firm board "
        "authority bureau national federal state city county north south east west first second new old american "
        "british chinese european the and of for in at de la le du des und der die das von van"
    )
)
"""Words of organisation names that many share."""

PLACES = frozenset(
    words_of(
        "china america usa us uk england britain france germany japan india russia canada australia italy spain korea "
        "brazil mexico europe asia africa london paris berlin tokyo beijing shanghai shenzhen guangzhou hongkong "
        "singapore moscow york washington boston chicago california texas 中国 中华 全国 国家 国际 亚洲 欧洲 美国 "
        "英国 法国 德国 日本 韩国 俄罗斯 印度 加拿大 澳大利亚 新加坡 意大利 西班牙 葡萄牙 荷兰 比利时 瑞士 瑞典 挪威 "
        "丹麦 芬兰 奥地利 波兰 希腊 土耳其 伊朗 以色列 埃及 南非 巴西 墨西哥 阿根廷 智利 泰国 越南 马来西亚 "
        "印度尼西亚 菲律宾 朝鲜 蒙古 非洲 亚太 东南亚 香港 澳门 台湾 北京 上海 天津 重庆 河北 山西 辽宁 吉林 黑龙江 "
        "江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 内蒙古 广西 西藏 宁夏 "
        "新疆 深圳 广州 杭州 南京 苏州 成都 武汉 西安 长沙 郑州 青岛 大连 沈阳 哈尔滨 长春 济南 福州 厦门 宁波 温州 "
        "无锡 常州 南通 合肥 南昌 昆明 贵阳 南宁 海口 兰州 西宁 银川 太原 石家庄 呼和浩特 乌鲁木齐 拉萨 东莞 佛山 "
        "珠海 中山 惠州 绍兴 嘉兴 台州 金华 烟台 潍坊 徐州 扬州 泉州"
    )
)
"""Places that stand in the names of many organisations."""

_GENERIC_HAN = words_of(
    "科学技术 生物科技 生物医药 信息技术 网络科技 电子商务 房地产 股份 集团 控股 科技 技术 工程 能源 银行 汽车 食品 "
    "传媒 网络 生物 实业 投资 发展 电子 信息 贸易 国际 工业 制造 医药 制药 医疗 化工 机械 材料 新材料 环保 建设 建筑 "
    "建材 置业 地产 物流 文化 教育 咨询 服务 管理 软件 数据 智能 通信 通讯 半导体 光电 电气 电器 电力 电力设备 证券 "
    "保险 基金 资本 租赁 信托 农业 纺织 服饰 服装 旅游 酒店 餐饮 百货 商贸 航空 航天 铁路 公路 港口 矿业 钢铁 石油 "
    "石化 煤炭 水务 燃气 公司 企业 工厂 商店 大学 学院 学校 中学 小学 医院 研究院 研究所 中心 委员会 协会 学会 基金会 "
    "联合会 法院 检察院 银行 总公司 分公司 子公司 本公司 有限 责任 部 局 厂 行 院 校 店 人民 中央 地方 第一 第二 第三 "
    "省 市 县 区"
)

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭"
    "陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔"
    "伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙"
    "鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞"
    "姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢扈厉励傅萧湛仰荀冼"
    "郗闻尧晁嵇訾昝逄仝奚郜裘乜粟冒濮扶堵宓蓬逯璩桓蔚夔勾融阚那须丰巢蒯竺权益印怀常元平练褟邸隗仉幸赖漕"
)

_PLACE_CHARS = (5, 4, 3, 2)
_NAMED_PLACE = re.compile(f"[{HAN}]{{2,4}}(?:省|市|县|州|自治区)")
_GENERIC_NAME = re.compile(
    r"(?:the )?(?:company|group|bank|university|school|hospital|court|firm|party|board|issuer)s?"
)


def without_place(name: str) -> str:
    """Return a folded Chinese name without the place it begins with: 深圳市华为 and 深圳华为 give 华为."""
    for n_chars in _PLACE_CHARS:
        if name[:n_chars] in PLACES:
            rest = name[n_chars:]
            return rest[1:] if rest[:1] in ("省", "市") else rest
    found = _NAMED_PLACE.match(name)
    return name[found.end() :] if found else name


@lru_cache(maxsize=1)
def _generic_run() -> re.Pattern[str]:
    words = sorted({*_GENERIC_HAN, *filter(str.isalpha, PLACES)}, key=lambda word: (-len(word), word))
    # Possessive: a name that can be read in many ways must not be tried in all of them.
    return re.compile("(?:" + "|".join(map(re.escape, words)) + ")*+")


def generic_han(name: str) -> bool:
    """Say whether a folded Chinese name is made of generic words and places alone; so is the empty name."""
    return _generic_run().fullmatch(name) is not None


def is_generic(key: str) -> bool:
    """Say whether a key means another thing in every document: 公司, 本行, "the company"."""
    if key.isascii():
        return _GENERIC_NAME.fullmatch(key) is not None or set(key.split()) <= GENERIC_WORDS
    return generic_han(key.lstrip("本该我贵")) or key in (
        "甲方",
        "乙方",
        "丙方",
        "发行人",
        "被告",
        "原告",
        "申请人",
        "被申请人",
    )
