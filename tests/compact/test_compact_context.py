"""The network of characters beside the Chinese model, on the model of the package."""

import numpy as np
import pytest

from kgbuilder.extract.compact.context import load_context
from kgbuilder.extract.compact.extractor import MODELS
from kgbuilder.extract.compact.features import load_featurizer
from kgbuilder.extract.compact.model import CompactModel, split_features, stack_features

SHORT = "夏道镇是一个镇。"
LONG = "华为技术有限公司成立于1987年，总部位于广东省深圳市龙岗区😀，英文名Huawei。"


@pytest.fixture(scope="module")
def context():
    return load_context(MODELS / "zh")


@pytest.fixture(scope="module")
def featurizer():
    return load_featurizer(MODELS / "zh" / "vocabulary.json")


def test_every_token_has_a_vector_and_what_is_beyond_has_none(context, featurizer):
    pieces = [featurizer.features(text) for text in (SHORT, "", LONG)]
    length = max(map(len, pieces)) + 3
    vectors = context.vectors(pieces, length)
    assert vectors.shape == (3, length, context.size)
    for row, piece in enumerate(pieces):
        assert np.abs(vectors[row, : len(piece)]).sum(1).all()
        assert not vectors[row, len(piece) :].any()


def test_texts_read_together_have_no_say_in_one_another(context, featurizer):
    pieces = [featurizer.features(text) for text in (SHORT, LONG, SHORT)]
    together = context.vectors(pieces, 60)
    for row, piece in enumerate(pieces):
        [alone] = context.vectors([piece], 60)
        assert np.abs(together[row] - alone).max() < 1e-6


def test_a_token_of_several_characters_is_read_to_both_of_its_ends(context, featurizer):
    one, other = (featurizer.features(text) for text in ("他在Huawei工作", "他在Honor工作"))
    place = one.tokens_at(2, 8)[0]
    assert len(one) == len(other)
    size = context.size // 4
    [ours], [theirs] = (context.vectors([piece], len(one)) for piece in (one, other))
    changed = np.abs(ours - theirs).reshape(len(one), 4, size).max(2) > 1e-6
    # The first layer: forwards nothing before the word changes, backwards nothing after it.
    assert not changed[:place, 0].any()
    assert changed[place:, 0].all()
    assert changed[: place + 1, 1].all()
    assert not changed[place + 1 :, 1].any()


def test_a_piece_of_a_long_text_is_read_by_itself(context, featurizer):
    text = LONG * 30
    pieces = list(split_features(featurizer.features(text), 64))
    assert len(pieces) > 10
    start, end = int(pieces[3].spans[0, 0]), int(pieces[3].spans[-1, 1])
    [inside] = context.vectors([pieces[3]], 64)
    [alone] = context.vectors([featurizer.features(text[start:end])], 64)
    assert np.abs(inside - alone).max() < 1e-6


def test_signals_are_name_lists_and_then_the_context(context, featurizer):
    pieces = [featurizer.features(text) for text in (SHORT, LONG)]
    ids, signals, mask = stack_features(pieces, context, n_rows=3, length=50)
    assert ids.shape[:2] == mask.shape == (3, 50)
    assert signals.shape == (3, 50, featurizer.n_bits + context.size)
    assert mask.sum(1).tolist() == [len(pieces[0]), len(pieces[1]), 0]
    assert not signals[2].any()


def test_what_a_text_holds_comes_from_it_alone():
    model = CompactModel.load(MODELS / "zh")
    texts = [SHORT, LONG, "林知远1978年生于绍兴。", LONG * 9, "", "他什么也没有说。", SHORT + LONG]
    assert model.read(texts) == [model.read([text])[0] for text in texts]
