"""Languages and token estimates by script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.ingest import count_tokens, detect_language
from kgbuilder.ingest.language import weigh


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("沈砚秋生于棠州。", "zh"),
        ("Grace Hill was born in Pellworth.", "en"),
        ("公司全资收购Pellworth Instruments Ltd.及其子公司", "zh"),
        ("Brightmere Systems Inc. opened an office in 上海.", "en"),
        ("Société Générale a été fondée à Paris.", "en"),
        ("1931-10-25, 3.5%", "und"),
        ("", "und"),
        ("。，！？", "und"),
        ("これは日本語の文章です。東京で生まれた。", "und"),
        ("東京大学で経済学を研究した", "und"),
        ("한국어로 쓴 문장입니다.", "und"),
        ("Компания основана в Москве.", "und"),
        ("𠮷𠮷", "zh"),
    ],
)
def test_language_by_script(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_a_long_text_is_judged_by_samples_from_all_of_it() -> None:
    assert detect_language("A short preface in English. " + "正文是中文，写得很长。" * 5_000) == "zh"


@pytest.mark.parametrize(
    ("text", "n_tokens"), [("", 0), ("a", 1), ("word", 1), ("words", 2), ("华为", 2), ("华为abcd", 3), ("，。", 2)]
)
def test_tokens_of_known_texts(text: str, n_tokens: int) -> None:
    assert count_tokens(text) == n_tokens


@given(st.text(), st.text())
def test_weights_add_up(first: str, second: str) -> None:
    assert weigh(first + second) == weigh(first) + weigh(second)


@given(st.text())
def test_every_text_has_a_language_and_a_bounded_estimate(text: str) -> None:
    assert detect_language(text) in ("zh", "en", "und")
    assert len(text) / 4 <= count_tokens(text) <= 1.5 * len(text) + 1
