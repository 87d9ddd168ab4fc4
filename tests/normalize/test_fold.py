"""Folding keeps what tells texts apart and drops what two spellings of one text differ in."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.normalize import fold, simplified

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＰＰＬＥ　Inc．", "apple inc."),
        ("José Łukasz Øre", "jose lukasz ore"),
        ("Straße", "STRASSE"),
        ("世界衛生組織", "世界卫生组织"),
        ("华\u200b为\ufeff", "华为"),
        ("\u202eabc\u202c", "abc"),
        ("e\u0301cole", "école"),
        ("“quoted” — text", '"quoted" - text'),
        ("约翰・史密斯", "约翰·史密斯"),
        ("ﾃﾞｰﾀ", "データ"),
        ("ᄀ\u200bᅡ", "가"),
        ("a\t b\n\nc", "a b c"),
        ("Windows™", "windows"),
    ],
)
def test_spellings_of_one_text_fold_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("が", "か"), ("5G", "6G"), ("C++", "C"), ("P30", "P40"), ("новый", "новыи"), ("New York", "Newyork")],
)
def test_different_texts_stay_apart(one, other):
    assert fold(one) != fold(other)


@given(ANY_TEXT)
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_simplifying_keeps_every_offset(text):
    assert len(simplified(text)) == len(text)


def test_importing_loads_no_dictionary():
    code = (
        "import sys, kgbuilder.resolve, kgbuilder.normalize; print({'opencc', 'pypinyin', 'jieba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
