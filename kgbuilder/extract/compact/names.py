"""Lists of names as features of Chinese text: which characters begin or continue a name that a list has.

The lists say where names may be, never what is one: a model reads their bits beside the characters, so that a name it
has not been trained on still looks like a name.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["BITS", "LISTS", "NameLists"]

LISTS = ("person", "place", "organization", "proper", "country", "city", "language")
"""Lists by name: the first four are words of jieba's dictionary by tag, the others come with the model."""

_SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪"
    "汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童"
    "颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀羊惠甄曲家封芮羿储靳汲邴糜松井段富"
    "巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭"
    "贡劳姬申扶堵冉宰郦雍璩桑桂濮牛寿通边扈燕冀尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终居衡步都耿满弘匡国文寇广禄阙东殴沃利蔚越隆师巩聂晁"
    "勾敖融冷訾辛阚那简饶空曾沙养鞠须丰巢关相查后荆红游竺权盖益桓公覃佘麦粟逄綦卞岳肖涂郄麻亓冼"
)
_SOUNDS = frozenset(
    "阿埃艾爱安昂奥巴白拜班邦包鲍贝本比彼毕宾波伯勃博布查茨楚茨达戴丹道德登邓迪蒂丁杜顿多厄恩尔法范菲费芬丰佛夫弗福富盖甘冈高戈哥格葛根古圭哈海汉豪赫黑亨"
    "洪胡华怀惠霍基吉加贾简杰金卡凯坎康考柯科克肯库夸奎拉莱赖兰朗劳勒雷蕾莉里理历利丽连列林琳隆卢鲁路伦罗洛吕马玛迈麦曼芒毛梅门蒙米密缅敏明摩莫默姆木穆"
    "纳娜内尼涅纽努诺欧帕潘庞佩彭皮平珀普奇齐恰强乔切琴丘瑞让热日荣茹儒若萨塞赛桑瑟沙莎山尚舍申圣施史士舒斯丝司思苏孙索塔泰坦唐陶特滕提廷图托瓦万旺威薇韦"
    "维魏温文翁沃乌吴武西希锡席夏肖谢辛欣兴休逊雅亚扬耶叶伊茵英尤于约泽扎詹珍芝朱茱佐祖"
)
_PLACE_ENDS = frozenset("省市县区州镇乡村街路道巷山河江湖海岛湾港国洲府郡旗盟里桥站寺庙塔园宫殿堡关峡谷川溪泉洞原漠洋")
_ORGANIZATION_ENDS = frozenset("社团部局厅处署院校所厂行店会党司队军办委组室馆台报网站盟")
_CHARACTERS = (_SURNAMES, _SOUNDS, _PLACE_ENDS, _ORGANIZATION_ENDS)
_BRACKETS = ("《〈", "》〉", '“「『"', '”」』"', "（(", "）)")

BITS = (
    *(f"{name}_{part}" for name in LISTS for part in ("begins", "continues")),
    *("surname", "sound", "place_end", "organization_end"),
    *("in_title", "in_quotes", "in_brackets"),
)
"""The names of the bits, in order."""

_DICTIONARY_TAGS = {"nr": 1, "nrt": 1, "nrfg": 1, "ns": 2, "nt": 4, "nz": 8}
_FIRST_HAN = "\u3400"
_MAX_CHARS = 8
_MAX_QUOTED = 40


class NameLists:
    """Looks up the names of all lists at once; the longest name at each place counts."""

    def __init__(self, tag: Callable[[str], str], lists: Mapping[str, Iterable[str]]) -> None:
        """`tag` gives the tag of a dictionary word, "" for none; `lists` the names of LISTS that are not of it."""
        self._tag = tag
        self._masks: dict[str, int] = {}
        for name, words in lists.items():
            for word in words:
                if 2 <= len(word) <= _MAX_CHARS:
                    self._masks[word] = self._masks.get(word, 0) | 1 << LISTS.index(name)

    def bits(self, text: str) -> npt.NDArray[np.uint8]:
        """Return the bits of each character, (n_chars, len(BITS))."""
        found = np.zeros((len(text), len(BITS)), np.uint8)
        for at in range(len(text)):
            if not text[at] > _FIRST_HAN:
                continue
            for end in range(min(at + _MAX_CHARS, len(text)), at + 1, -1):
                word = text[at:end]
                mask = self._masks.get(word, 0) | _DICTIONARY_TAGS.get(self._tag(word), 0)
                if mask:
                    for number in range(len(LISTS)):
                        if mask >> number & 1:
                            found[at, 2 * number] = 1
                            found[at + 1 : end, 2 * number + 1] = 1
                    break
        first = 2 * len(LISTS)
        for column, characters in enumerate(_CHARACTERS, first):
            found[:, column] = [char in characters for char in text]
        for column, (opening, closing) in enumerate(zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True), first + 4):
            _mark_inside(text, opening, closing, found[:, column])
        return found


def _mark_inside(text: str, opening: str, closing: str, column: npt.NDArray[np.uint8]) -> None:
    """Mark what stands between two brackets of a kind, where both are near each other."""
    start: int | None = None
    for at, char in enumerate(text):
        if start is not None and char in closing:
            if at - start <= _MAX_QUOTED:
                column[start + 1 : at] = 1
            start = None
        elif char in opening:
            start = at
