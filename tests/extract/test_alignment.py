import pytest

from kgbuilder.extract.alignment import TextIndex, fold


def found(text: str, name: str) -> list[str]:
    return [text[start:end] for start, end in TextIndex(text).find(name)]


def test_finds_every_occurrence_as_written() -> None:
    assert TextIndex("林知远与林知远的书").find("林知远") == ((0, 3), (4, 7))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("由ＩＢＭ公司提出", "IBM", "ＩＢＭ"),
        ("signed by ACME today", "Acme", "ACME"),
        ("臺灣積體電路的廠房", "台湾积体电路", "臺灣積體電路"),
        ("台湾的厂房", "臺灣", "台湾"),
        ("in New\nYork now", "New York", "New\nYork"),
        ("林\u200b知\u200b远出生", "林知远", "林\u200b知\u200b远"),
        ("\u202eAli\u202c came", "Ali", "Ali"),
        ("the José case", "Jose", "José"),
        ("the Jose\u0301 case", "José", "Jose\u0301"),
        ("史蒂夫•乔布斯说", "史蒂夫·乔布斯", "史蒂夫•乔布斯"),
        ("O’Brien left", "O'Brien", "O’Brien"),
        ("読んだ《红楼梦》吗", "红楼 梦", "红楼梦"),
        ("他读红楼梦", "《红楼梦》", "红楼梦"),
        ("spent 5km there", "5 km", "5km"),
        ("Straße 5", "STRASSE 5", "Straße 5"),
    ],
)
def test_finds_another_form_and_returns_the_text_as_it_stands(text: str, name: str, expected: str) -> None:
    assert found(text, name) == [expected]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a category error", "cat"),
        ("iPhone 15 was shown", "iPhone 1"),
        ("sold 1.25 million", "25 million"),
        ("sold 1,250 cars", "250 cars"),
        ("sold 1.2亿元", "2亿元"),
        ("共二十二人", "十二人"),
        ("共二十二人", "二十"),
        ("grew by 10² today", "102"),
        ("Straße", "Stras"),
    ],
)
def test_does_not_cut_words_or_numbers(text: str, name: str) -> None:
    assert found(text, name) == []


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Alexander Fleming found it", "Alexandr Fleming", "Alexander Fleming"),
        ("the Univercity of Leeds said", "University of Leeds", "Univercity of Leeds"),
        ("many Americans left", "American", "Americans"),
        ("在中华人民共和国外交部工作", "中华人民共和国的外交部", "中华人民共和国外交部"),
    ],
)
def test_finds_a_slip_of_the_pen(text: str, name: str, expected: str) -> None:
    assert found(text, name) == [expected]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the year of 2015 in Berlin", "the year of 2016 in Berlin"),
        ("the Boeing 7572 jumbo jet", "Boeing 7472 jumbo jet"),
        ("World War II ended", "World War I"),
        ("cases of Hepatitis B virus", "Hepatitis A virus"),
        ("about typical pneumonia", "atypical pneumonia"),
        ("crowned Henry VII there", "Henry VIII"),
        ("hyperthyroidism treatment plan", "hypothyroidism treatment plan"),
        ("by Maria Rossini alone", "Mario Rossini"),
        ("上海市浦东新区人民法院判决", "上海市浦西新区人民法院"),
        ("北京市人民政府秘书长到场", "北京市人民政府副秘书长"),
        ("他在北京市第一人民医院就诊", "北京市第二人民医院"),
        ("在中华人民共和国外交部工作", "中华人民共和国外交部长"),
        ("short names", "shart"),
    ],
)
def test_does_not_take_another_name_for_a_slip(text: str, name: str) -> None:
    assert found(text, name) == []


def test_folds_a_lone_surrogate_without_failing() -> None:
    assert found("plain text", "\ud800plain") == []
    assert fold("\ud800") == "\ud800"


def test_looks_for_a_name_with_many_false_starts_a_bounded_number_of_times() -> None:
    assert found("a" * 100_000, "aa") == []


@pytest.mark.parametrize("text", ["", " ", "\u200b"])
def test_finds_nothing_in_an_empty_text(text: str) -> None:
    assert found(text, "name of ten") == []
