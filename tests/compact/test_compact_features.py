"""Text to tokens: every span holds what its token stands for, for any text."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuilder.extract.compact.features import (
    UNKNOWN,
    ChineseFeaturizer,
    EnglishFeaturizer,
    chinese_keys,
    chinese_tags,
    load_featurizer,
)
from kgbuilder.extract.compact.model import split_features
from kgbuilder.extract.compact.names import BITS

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "marie", "cur", "##ie", "cafe", "##s", ",", "u", ".", "3", "##m", "emile"]


@pytest.fixture(scope="module")
def zh():
    return ChineseFeaturizer(
        characters=["北", "京", "<year>", "kgbuilder"],
        bigrams=["北京"],
        tags=["Bns", "Ens"],
        names={"country": ["中国"]},
    )


@pytest.fixture(scope="module")
def en():
    return EnglishFeaturizer(pieces=PIECES)


def parts(features):
    return [features.text[start:end] for start, end in features.spans]


def test_a_chinese_text_is_characters_and_whole_words_and_numbers(zh):
    features = zh.features("𠮷田在北京😀 iPhone15，2008年")
    assert parts(features) == ["𠮷", "田", "在", "北", "京", "😀", " ", "iPhone", "15", "，", "2008", "年"]


def test_fields_are_character_pair_word_and_shape(zh):
    ids = zh.features("北京").ids
    assert ids[:, :3].tolist() == [[2, 2, 2], [3, UNKNOWN, 3]]


def test_width_is_folded_and_numbers_go_by_their_length():
    keys, _ = chinese_keys("ＡＢ２００８ 1999 12 KGBuilder")
    assert keys == ["ab", "<year>", "<space>", "<year>", "<space>", "<digits 2>", "<space>", "kgbuilder"]


def test_tags_say_where_in_its_word_a_token_stands():
    _, spans = chinese_keys("中国人民")
    tags = chinese_tags("中国人民", spans)
    assert [tag[0] for tag in tags] == ["B", "E", "B", "E"]
    assert tags[0] == "Bns"


def test_bits_mark_names_of_lists_and_what_stands_in_title_marks(zh):
    bits = zh.features("中国《红楼梦》").bits
    assert bits[:, BITS.index("country_begins")].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert bits[:, BITS.index("country_continues")].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert bits[:, BITS.index("in_title")].tolist() == [0, 0, 0, 1, 1, 1, 0]


def test_english_pieces_keep_the_accents_of_the_text(en):
    features = en.features("Émile Curie, cafés 😀 U. 3m")
    assert parts(features) == ["", "Émile", "Cur", "ie", ",", "café", "s", "😀", "U", ".", "3", "m", ""]
    assert [PIECES[id_] for id_ in features.ids[1:5, 0]] == ["emile", "cur", "##ie", ","]


def test_a_span_is_found_again_in_tokens(en):
    features = en.features("Marie Curie")
    assert features.tokens_at(6, 11) == (2, 3)
    assert features.tokens_at(7, 11) is None


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_tokens_are_in_order_without_overlap_and_chinese_ones_cover_the_text(zh, en, text):
    for featurizer in (zh, en):
        features = featurizer.features(text)
        starts, ends = features.spans[:, 0], features.spans[:, 1]
        assert len(features.ids) == len(features.bits) == len(features.spans)
        assert (starts <= ends).all()
        assert (ends[:-1] <= starts[1:]).all()
        assert (ends <= len(text)).all()
    assert "".join(parts(zh.features(text))) == text


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.integers(8, 30))
def test_windows_of_a_long_text_hold_every_token(zh, en, text, size):
    for featurizer in (zh, en):
        whole = featurizer.features(text)
        pieces = list(split_features(whole, size))
        real = {tuple(span) for piece in pieces for span in piece.spans if span[1] > span[0]}
        assert real == {tuple(span) for span in whole.spans if span[1] > span[0]}
        assert all(len(piece) <= size for piece in pieces)


def test_a_vocabulary_makes_the_same_featurizer_again(zh, tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(zh.vocabulary(), ensure_ascii=False), encoding="utf-8")
    text = "北京是中国的首都。"
    assert np.array_equal(load_featurizer(path).features(text).ids, zh.features(text).ids)
