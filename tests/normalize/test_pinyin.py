"""Chinese names are found and compared by how they sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.normalize import pinyin_key
from kgbuilder.normalize.pinyin import is_pinyin, syllables


@pytest.mark.parametrize("text", ["张伟", "張偉", "Zhang Wei", "ZHANG WEI", "zhang-wei"])
def test_all_ways_to_write_a_name_have_one_search_key(text):
    assert pinyin_key(text) == "zhangwei"


def test_readings_depend_on_the_words_around():
    assert pinyin_key("重庆长安汽车") == "chongqingchanganqiche"


def test_other_scripts_stay():
    assert pinyin_key("iPhone 15 手机") == "iphone15shouji"


def test_a_surname_is_read_as_surnames_are():
    assert syllables("单田芳", is_person=True) == ("shan", "tian", "fang")
    assert syllables("单田芳")[0] == "dan"


def test_other_characters_are_read_as_themselves():
    assert syllables("华为p30") == ("hua", "wei", "p", "3", "0")


@pytest.mark.parametrize("word", ["zhang", "wei", "xiaoming", "lv", "ouyang"])
def test_pinyin_is_recognised(word):
    assert is_pinyin(word)


@pytest.mark.parametrize("word", ["smith", "john", "zhg", "", "marlow", "x" * 40])
def test_other_words_are_no_pinyin(word):
    assert not is_pinyin(word)


@given(st.text(max_size=100))
def test_any_text_has_a_search_key(text):
    assert pinyin_key(text) == pinyin_key(text)
    assert len(syllables(text)) == min(len(text), 64)
