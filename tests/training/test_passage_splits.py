"""Splits: the same every time, families together, unseen names unseen; and the guard that sees a leak."""

from dataclasses import replace

import pytest

from tests.training.samples import DATA, REAL, needs_data, needs_real, passage
from training.data import Example, Mention, find_leaks, load_dataset, read_corpus, split_passages
from training.data.duplicates import TextIndex, near_duplicates
from training.data.leaks import Guard, Leak
from training.data.splits import count_parts, names, split_of


def made(n, name=None, other=None):
    """A passage about a person and a place whose names nothing else has."""
    line = f"[1:PER {name or f'人{n}'}]在{n}月住进[2:LOC {other or f'地{n}'}]第{n}排。 || 1 residence 2"
    return replace(passage(line), id=f"zh_made-{n}")


PASSAGES = tuple(made(n) for n in range(600))


def ids(passages):
    return {passage.id for passage in passages}


def test_parts_are_disjoint_complete_and_about_a_tenth():
    splits = split_passages(PASSAGES)
    parts = [ids(splits.train), ids(splits.dev), ids(splits.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(PASSAGES)
    assert count_parts(splits)["train"] == len(splits.train)
    assert 40 <= len(splits.dev) <= 80
    assert 40 <= len(splits.test) <= 80


def test_order_and_company_do_not_move_a_passage():
    splits = split_passages(PASSAGES)
    backwards = split_passages(PASSAGES[::-1])
    half = split_passages(PASSAGES[::2])
    assert ids(splits.test) == ids(backwards.test)
    assert ids(half.test) == ids(splits.test) & ids(PASSAGES[::2])


def test_another_seed_splits_otherwise():
    assert ids(split_passages(PASSAGES, seed=1).test) != ids(split_passages(PASSAGES).test)


def test_passages_that_share_a_rare_name_stay_together():
    pairs = [(made(2 * n, name=f"共{n}"), made(2 * n + 1, name=f"共{n}")) for n in range(150)]
    splits = split_passages([one for pair in pairs for one in pair])
    for part in (splits.train, splits.dev, splits.test):
        assert all((one.id in ids(part)) == (other.id in ids(part)) for one, other in pairs)


def test_passages_that_nearly_repeat_each_other_stay_together():
    sentence = "在{0}年的春天里，住在河边第{0}间屋子里的人们第一次听说了那条铁路要从村口经过的消息，"
    pairs = [
        (
            replace(passage(f"{sentence.format(n)}都很高兴。 ||"), id=f"a{n}"),
            replace(passage(f"{sentence.format(n)}很高兴！ ||"), id=f"b{n}"),
        )
        for n in range(1000, 1004)
    ]
    splits = split_passages([one for pair in pairs for one in pair])
    for part in (splits.train, splits.dev, splits.test):
        assert all((one.id in ids(part)) == (other.id in ids(part)) for one, other in pairs)


def test_unseen_means_that_no_name_is_in_training():
    everywhere = tuple(made(n, other="上海") for n in range(600, 900))
    splits = split_passages([*PASSAGES, *everywhere])
    assert ids(splits.test) & ids(everywhere)
    assert ids(splits.test_unseen) == ids(splits.test) & ids(PASSAGES)


def test_a_passage_without_a_name_is_not_of_unseen_names():
    nameless = [passage(f"第{n}天下雨，[1:TERM 农民]很高兴。 ||", id=f"n-{n}") for n in range(100)]
    splits = split_passages(nameless)
    assert splits.test
    assert splits.test_unseen == ()


def test_words_and_values_are_no_names():
    line = "[1:PER Ann  Lee], a [2:TERM painter], paid [3:NUM $5] in [4:TIME 1999] at [5:ORG Ａcme]. || 1 occupation 2"
    assert names(passage(line)) == {"ann lee", "acme"}


def test_of_ten_parts_one_is_dev_and_one_test():
    drawn = [split_of(f"key {n}") for n in range(2000)]
    assert 150 <= drawn.count("test") <= 250
    assert 150 <= drawn.count("dev") <= 250


LONG = "夏道镇是中国福建省南平市延平区下辖的一个镇，位于闽江南岸。"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LONG, True),
        ("夏道鎮是中國福建省南平市延平區下轄的一個鎮,位於閩江南岸.", True),
        (LONG.replace("南岸", "北岸"), True),
        (f"以下摘自百科：{LONG}全文如下，请看附件里的更多内容与图片。", True),
        ("夏道镇是中国福建省南平市延平区下辖的一个镇。", True),
        ("白水镇是中国云南省曲靖市沾益区下辖的一个镇，位于珠江源头。", False),
        ("南岸。", False),
        ("", False),
    ],
)
def test_texts_that_say_the_same_are_found_whatever_their_spelling(other, same):
    assert bool(TextIndex([LONG]).find(other)) == same
    assert bool(list(near_duplicates([LONG, other]))) == same


def test_english_sentences_on_one_pattern_are_not_the_same():
    one = "Marie Curie was born in Warsaw on 7 November 1867 and died in Passy."
    other = "Niels Bohr was born in Copenhagen on 7 October 1885 and died in Carlsberg."
    assert TextIndex([one]).find(other) == ()
    assert TextIndex([one]).find(one.upper().replace(" ", "  ")) == (0,)


def test_a_repeated_text_and_an_unseen_name_are_leaks():
    tested, unseen = passage(f"{LONG} ||", id="t"), passage("[1:PER 莱拉·科瓦奇]走进了图书馆的大门。 ||", id="u")
    again = passage(f"{LONG.replace('，', '')} ||", id="a")
    named = passage("昨晚[1:PER 莱拉·科瓦奇]的新书出版了。 ||", id="b")
    clean = passage("[1:PER 乌尔里希]的新车坏了，停在路边。 ||", id="c")
    assert find_leaks([again, named, clean], [tested], [unseen]) == (
        Leak(kind="text", trained="a", tested="t"),
        Leak(kind="name", trained="b", tested="u", what="莱拉·科瓦奇"),
    )


def test_a_name_leaks_through_a_public_row_too():
    unseen = passage("[1:PER 莱拉·科瓦奇]走进了图书馆的大门。 ||")
    text = "莱拉·科瓦奇获奖。"
    row = Example(
        id="r",
        language="zh",
        source="s",
        text=text,
        group="r",
        mentions=(Mention(start=0, end=6, type="ORG", entity=0),),
    )
    assert [leak.what for leak in Guard([], [unseen]).leaks(row)] == ["莱拉·科瓦奇"]


@pytest.fixture(scope="module")
def splits():
    return split_passages(read_corpus())


@pytest.mark.slow
def test_nothing_that_is_tested_of_the_corpus_is_trained_on(splits):
    assert find_leaks([*splits.train, *splits.dev], splits.test) == ()
    assert find_leaks(splits.train, (), splits.test_unseen) == ()
    parts = count_parts(splits)
    assert parts["test"] >= 700
    assert parts["test_unseen"] >= 400
    for language in ("en", "zh"):
        assert sum(p.language == language for p in splits.test_unseen) >= 100


def test_a_leak_into_the_corpus_would_be_seen(splits):
    assert find_leaks([*splits.train[:50], splits.test[0]], splits.test)
    held = max(splits.test_unseen, key=lambda one: len(one.mentions))
    borrowed = replace(splits.train[0], text=held.text, mentions=held.mentions[:1], triples=())
    assert {leak.kind for leak in find_leaks([borrowed], (), [held])} == {"text", "name"}


@pytest.mark.slow
@needs_data
@needs_real
def test_nothing_that_is_tested_is_trained_on_with_all_sources():
    dataset = load_dataset(data=DATA, real=REAL)
    tests = [example for name, part in dataset.tests.items() if name != "written_unseen" for example in part]
    assert find_leaks([*dataset.train, *dataset.dev], tests, dataset.tests["written_unseen"]) == ()
    assert len(dataset.tests["real_zh"]) == 150
    assert len(dataset.train) > 50_000
    assert set(dataset.n_leaks) >= {"finre.train", "uner_zh.train", "real"}
    groups = [{example.group for example in part} for part in (dataset.train, tests)]
    assert not groups[0] & groups[1]
