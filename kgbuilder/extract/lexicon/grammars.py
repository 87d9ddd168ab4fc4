"""How Chinese and English build sentences, as far as the relation patterns need to know."""

import re
from functools import lru_cache

from kgbuilder.extract.lexicon.clauses import Grammar
from kgbuilder.extract.lexicon.patterns import ANY_SIGN, LABELS, class_of

__all__ = ["grammar"]

_TIME = class_of("TIME")
_NOT_PERSON = class_of("ORG|LOC|TERM|WORK|NUM|PRODUCT|EVENT")
_NOT_TIME = class_of("PER|ORG|LOC|WORK|EVENT|PRODUCT|TERM")

_LEAD_ZH = (
    "电影|影片|歌曲|单曲|专辑|小说|图书|纪录片|电视剧|话剧|游戏|著名|知名|已故|我国|青年|老|现任|原|前|时任|新任|首任|第一任|本届|首届|"
    "公司|药物|新药|国产|据悉|其中|随后|后来|此后|但|而|同时|目前|如今|现|原来|当时|次年|另|近日|昨日|日前|今日|此前|同年|最终|不过|然而|"
    "作为|妻子|丈夫|夫人|父亲|母亲|儿子|女儿|长子|次子|长女|次女|独子|独女|哥哥|弟弟|姐姐|妹妹|胞弟|胞妹|兄长|导师|老师|学生|弟子|"
    "创始人|联合创始人|创办人|负责人|原告|被告|被告人|主人公|主角|讣告：|著名的|一级|国家|第二大|第三大|世界|中国|北京|该|名将|选手|队员|患者|报告称|公告称"
)
_KIN_ZH = (
    "父亲|母亲|妻子|丈夫|夫人|儿子|女儿|长子|次子|长女|次女|独子|独女|弟弟|哥哥|姐姐|妹妹|胞弟|胞妹|兄长|祖父|祖母|外祖父|孙子|孙女|外孙女|外孙|导师|老师|弟子|遗孀|"
    "侄子|舅舅|叔叔|女婿|岳父"
)
_GLUE_ZH = f"的|{_KIN_ZH}|“|”|·|创始人|创办人|联合创始人|负责人|选手|队员|原|前|现任|首任|新任|之子|之女|名誉|著名|知名|首席|常务|、|兼|籍|裔|大学生|学生|名将|县|市|教授"
# A clause that begins otherwise has a subject of its own, if one the recogniser does not know.
_CONTINUES_ZH = (
    "[出生毕就考师拜任曾现历先后早并又还也在于由与和从自被因以为是有无著主获荣凭担当兼加进入调转升定移旅居常住祖籍原国信会通精讲妻丈夫娶嫁结育子女儿父母长次兄弟姐妹哥"
    "总代位坐地注员职雇共拥年营收面占人海高全成创始建设开隶属前简别旗专从致擅研执演编发上售票改取投控去逝病卒死享终殁葬拟完达同此随其一经至将仅设合称即亦]"
)
_PRONOUNS_ZH = (
    ("(?P<own>)(?:他|她|本人|这位.{1,4}家|此人)(?!们|的|国|人|乡|山|自己的)", "PER"),
    ("(?P<own>其|他的|她的)(?!他|中|实|间|后|余|次|它)", "PER"),
    (
        "(?P<own>)(?:该|本|这家|我|全)?(?:公司|集团|企业|机构|学校|医院|该校|该院|我院|我校|学院|大学|该厂|该行|银行|协会|该会|基金会|研究所|该所|乐队|球队|剧团|博物馆|工厂|出版社|俱乐部)"
        "(?=[^的和与及\\ue000-\\ue0ff]|$)",
        "ORG",
    ),
    (
        "(?P<own>)(?:该片|影片|该剧|该书|本书|此书|全书|该作|作品|这部.{1,4}|小说|专辑|歌曲|该专辑|电影|该条例|该法|本法|本条例|该办法|全剧|这首歌)",
        "WORK",
    ),
    ("(?P<own>)(?:该药|本品|该产品|该机|该车|此药|该疫苗|该款.{1,3}|产品|新车|该机型|该设备)", "PRODUCT"),
    ("(?P<own>)(?:该病|本病|此病|患者|病人)", "TERM"),
    (
        "(?P<own>)(?:全县|全市|该市|该县|该镇|全镇|全省|该省|该国|该岛|该区|全区|该村|古城|全岛|小城|城市|该湖|该山|该桥|大桥|全桥|该河)",
        "LOC",
    ),
    ("(?P<own>)(?:大会|本届大会|赛事|比赛|会议|活动|本次大会|该案|本案|此案|展会|本届展会|论坛)", "EVENT"),
)

_MONTH_LEAD_EN = "(?:In|On|By|Since|From|After|During|Around|About|As of|Until|Before|At|in|on|by|since) "
_NOUN_EN = (
    "(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]hat|[Bb]ut|[Aa]nd|[Ww]hile|[Aa]lthough|[Tt]hough|[Ww]hen|[Aa]fter|[Bb]efore|[Bb]ecause|[Ss]ince|[Ii]n fact|[Ll]ater|[Tt]oday|"
    "[Nn]ovel|[Ff]ilm|[Mm]ovie|[Bb]ook|[Pp]lay|[Ss]ong|[Aa]lbum|[Tt]own|[Cc]ity|[Vv]illage|[Cc]ompany|[Ff]irm|[Gg]roup|[Rr]iver|[Mm]ountain|[Ii]sland|[Dd]rug|[Dd]efendant|"
    "[Cc]laimant|[Pp]laintiff|[Ff]ounder|[Nn]ewspaper|[Ff]amous|[Ll]ate|[Ff]ormer|[Yy]oung|[Bb]orn|[Bb]rothers|[Ss]isters|[Ss]ir|[Dd]ame|[Dd]r\\.?|[Mm]rs?\\.?|[Mm]s\\.?|"
    "[Pp]rofessor|[Ll]ord|[Ll]ady|[Dd]ocumentary|[Aa]uthor|[Dd]isease|[Tt]ablets?|[Cc]apsules?|[Ww]ife|[Hh]usband|[Ss]on|[Dd]aughter|[Bb]rother|[Ss]ister|[Ff]ather|[Mm]other|[Hh]is|[Hh]er) "
)
_KIN_EN = "wife|husband|father|mother|son|daughter|brother|sister|spouse|widow|parents|children|sons|daughters|brothers|sisters|uncle|aunt|cousin|teacher|mentor"
_ROLE_NOUN_EN = (
    "wife|husband|father|mother|son|daughter|brother|sister|spouse|widow|uncle|aunt|nephew|niece|cousin|parents|founder|co-founder|predecessor|successor|teacher|mentor|"
    "pupil|student|novel|film|book|play|album|song|poem|memoir|opera|rival|competitor|owner|parent|subsidiary|capital|product|drug|supervisor|adviser|company"
)
_PRONOUNS_EN = (
    ("(?P<own>)(?:[Hh]e|[Ss]he)(?= )", "PER"),
    ("(?P<own>[Hh]is|[Hh]er)(?= )", "PER"),
    (
        "(?P<own>)(?:[Tt]he|[Tt]his|[Oo]ur) (?:company|firm|group|business|school|college|university|hospital|museum|bank|institute|foundation|society|band|club|charity|agency|shipyard|yard|factory|"
        "association|organi[sz]ation|brewery|team|start-up|practice|Company|Group)(?= )",
        "ORG",
    ),
    ("(?P<own>[Ii]ts)(?= )", "ORG"),
    ("(?P<own>)(?:[Ww]e|[Tt]hey)(?= (?:are|have|were|employ|make))", "ORG"),
    (
        "(?P<own>)(?:[Tt]he|[Tt]his) (?:film|movie|book|novel|play|opera|song|album|game|series|story|poem|documentary|musical|Act|law)(?= )",
        "WORK",
    ),
    (
        "(?P<own>)(?:[Tt]he|[Tt]his) (?:drug|medicine|device|machine|car|phone|tablet|vehicle|vaccine|software|app|model|product|robot)(?= )",
        "PRODUCT",
    ),
    ("(?P<own>)(?:[Tt]he|[Tt]his) (?:disease|condition|illness|disorder|infection)(?= )", "TERM"),
    (
        "(?P<own>)(?:[Tt]he|[Tt]his) (?:city|town|village|island|river|lake|mountain|county|country|province|district|bridge|tower|castle|region|capital|port|building|church|cathedral)(?= )",
        "LOC",
    ),
    (
        "(?P<own>)(?:[Tt]he|[Tt]his) (?:festival|conference|tournament|race|championship|match|battle|war|case|event|exhibition|competition|final)(?= )",
        "EVENT",
    ),
)
_ABBREVIATIONS = "(?<!\\bMr)(?<!\\bMrs)(?<!\\bMs)(?<!\\bDr)(?<!\\bSt)(?<!\\bNo)(?<!\\bvs)(?<!\\bInc)(?<!\\bLtd)(?<!\\bCo)(?<!\\bJr)(?<!\\bProf)(?<!\\bGen)(?<!\\b[A-Z])"


@lru_cache(maxsize=2)
def grammar(language: str) -> Grammar:
    """Return the grammar of "zh", or that of "en" for any other language."""
    return _chinese() if language == "zh" else _english()


def _chinese() -> Grammar:
    lead = f"(?P<time>[{_TIME}]*(?:在|于|起|，)?)(?P<lead>)(?:(?:{_LEAD_ZH})，?)*"
    return Grammar(
        sentence_end=re.compile(r"[。！？!?\n]+[”’」』]?"),
        clause_break=re.compile("[，,]|(?P<hard>[；;])"),
        kin=re.compile(f"[{_TIME}]*(?:其|他的|她的)?(?:{_KIN_ZH})"),
        kin_glue=re.compile(f"的?(?:{_KIN_ZH})"),
        credit=re.compile(
            f"[{class_of('PER')}]+(?:等|领衔|联合|分别|共同|担任|任|作|为)*(?:导演|执导|编剧|主演|作曲|作词|填词|谱曲|配乐|演唱|监制|制片|出品人|摄影|翻译|插图|主编|编著|著|译|绘)"
        ),
        continues=re.compile(f"(?:{_CONTINUES_ZH}|[{_TIME}]|[{_NOT_PERSON}])"),
        aside=re.compile("[（(]([^（）()]{0,120})[）)]"),
        enumeration={
            label: re.compile(f"(?<=[{class_of(label)}])(?:、|和|与|及|以及|跟|同)(?=[{class_of(label)}])")
            for label in LABELS
            if label not in ("TIME", "NUM")
        },
        time_lead=re.compile(f"(?:^|(?<=[，；]))[^{ANY_SIGN}，；]{{0,3}}[{_TIME}]，"),
        subject=re.compile(
            f"{lead}(?P<chain>[{_NOT_TIME}]+(?:(?:{_GLUE_ZH}){{1,3}}[{_NOT_TIME}]+)*)(?P<rest>.*)", re.DOTALL
        ),
        pronouns=tuple(
            (re.compile(f"(?P<lead>[{_TIME}]?)(?:，|但|而|后来|随后|此后|同时|目前|现)?{text}"), label)
            for text, label in _PRONOUNS_ZH
        ),
        connective=re.compile("(?:但|而|并|后来|随后|此后|同时|还|后|曾|又|先后)(?=.)"),
    )


def _english() -> Grammar:

    lead = f"(?P<time>(?:{_MONTH_LEAD_EN}[{_TIME}] )?)(?P<lead>)(?:{_NOUN_EN}){{0,4}}"
    return Grammar(
        sentence_end=re.compile(f'{_ABBREVIATIONS}(?:\\.[”"’)]?(?= +[^a-z]|\n|$)|[!?][”"’]?(?=\\s|$)|\n)'),
        clause_break=re.compile(
            f"(?:,|(?P<hard>[;:]))\\s+(?:and |but |then )?|(?<![{_TIME}])\\s+[–—-]\\s+(?![{_TIME}])|\\s+(?:and|but)\\s+(?=(?:[a-z]|{_MONTH_LEAD_EN}|His|Her|Its))|\\s+(?=(?:who|which|whose|where)\\s)"
        ),
        aside=re.compile(r"\(([^()]{0,120})\)"),
        enumeration={
            label: re.compile(
                f"[{class_of(label)}](?:, [{class_of(label)}])*(?:,? and |,? as well as | & )[{class_of(label)}](?!'s? own)"
            )
            for label in LABELS
            if label not in ("TIME", "NUM")
        },
        time_lead=re.compile(f"(?:^|(?<=[,;] ))\\s*{_MONTH_LEAD_EN}[{_TIME}],"),
        subject=re.compile(
            f"\\s*{lead}(?P<chain>[{_NOT_TIME}]+(?:(?: |'s |’s | of (?:the )?|, the |, a |\"){{1,2}}[{_NOT_TIME}]+)*)(?P<rest>[ ,'’].*)",
            re.DOTALL,
        ),
        pronouns=tuple(
            (
                re.compile(
                    f"\\s*(?P<lead>(?:{_MONTH_LEAD_EN}[{_TIME}] )?)(?:[Bb]ut |[Aa]nd |[Ll]ater |[Tt]hen |[Ww]hen |[Tt]hough |[Aa]lthough |[Aa]fter |[Tt]oday )?{text}"
                ),
                label,
            )
            for text, label in _PRONOUNS_EN
        ),
        connective=re.compile(r"\s*(?:and|but|then|later|also|now|today|currently|still)\s+"),
        relative=re.compile(r"(?:(?P<who>who|whose)|which|that|where)\s"),
        kin=re.compile(f"\\s*(?:[Hh]is|[Hh]er|[Tt]heir) (?:\\w+ )?(?:{_KIN_EN})"),
        kin_glue=re.compile(f"['’]s (?:\\w+ )?(?:{_KIN_EN})"),
        role_comma=re.compile(
            f"(?:\\b(?:{_ROLE_NOUN_EN})|[{class_of('leader|office|occupation|genre')}]),(?= [{ANY_SIGN}])"
        ),
        apposition=re.compile(
            r"(?:an?|the|born|founded|based|headquartered|owned|established|made|built|written|directed|published|developed)\s"
        ),
        bare_subjects=True,
        space=" ",
    )
