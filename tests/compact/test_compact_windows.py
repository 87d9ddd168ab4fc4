"""Long texts are read in windows that overlap, and joined."""

from itertools import pairwise

import numpy as np
import pytest

from kgbuilder.extract.compact.decode import Reading, ReadMention, ReadTriple
from kgbuilder.extract.compact.features import EnglishFeaturizer, Features
from kgbuilder.extract.compact.model import join_readings, split_features

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(chr(ord("a") + n) for n in range(26)), "."]


def windows(text, size):
    return list(split_features(EnglishFeaturizer(pieces=WORDS).features(text), size))


def characters(text):
    n = len(text)
    spans = np.array([(at, at + 1) for at in range(n)], np.int32)
    return Features(text=text, ids=np.zeros((n, 1), np.int32), bits=np.zeros((n, 0), np.uint8), spans=spans)


def mention(start, end, type_="PER", score=0.9):
    return ReadMention(start=start, end=end, type=type_, score=score)


def reading(mentions, *triples):
    stated = (
        ReadTriple(head=head, relation=relation, tail=tail, score=score) for head, relation, tail, score in triples
    )
    return Reading(mentions=tuple(mentions), triples=tuple(stated))


@pytest.mark.parametrize("text", ["a b c. " * 60, "a " * 200, "abc." * 100, "a. " * 13])
def test_windows_cover_a_text_and_overlap(text):
    found = windows(text, 20)
    covered = set()
    for one, other in pairwise(found):
        assert one.spans[-2, 1] > other.spans[1, 0] > one.spans[1, 0]
    for window in found:
        assert len(window) <= 20
        assert window.ids[0, 0] == 2
        assert window.ids[-1, 0] == 3
        covered |= {tuple(span) for span in window.spans[1:-1].tolist()}
    whole = EnglishFeaturizer(pieces=WORDS).features(text)
    assert covered == {tuple(span) for span in whole.spans[1:-1].tolist()}


def test_a_window_ends_and_begins_with_a_sentence():
    text = "a b c. " * 60
    found = windows(text, 20)
    assert all(text[window.spans[-2, 0]] == "." for window in found)
    assert all(text[window.spans[1, 0]] == "a" for window in found)


def test_a_text_that_fits_is_one_window():
    assert len(windows("a b c. " * 4, 20)) == 1


# Two windows over 0 to 12 and 8 to 20: they share 8 to 12, the middle is 10.
TEXT = "abcdefghijklmnopqrst"


def pieces():
    whole = characters(TEXT)
    return [
        Features(text=TEXT, ids=whole.ids[low:high], bits=whole.bits[low:high], spans=whole.spans[low:high])
        for low, high in ((0, 12), (8, 20))
    ]


def test_up_to_the_middle_the_first_window_counts():
    joined = join_readings(pieces(), [reading([mention(8, 10), mention(10, 12)]), reading([mention(9, 11)])])
    assert [(m.start, m.end) for m in joined.mentions] == [(8, 10)]


def test_a_mention_over_the_middle_is_not_cut():
    joined = join_readings(pieces(), [reading([mention(9, 12)]), reading([mention(11, 13), mention(14, 16)])])
    assert [(m.start, m.end) for m in joined.mentions] == [(9, 12), (14, 16)]


def test_a_triple_goes_to_the_mention_of_the_other_window():
    first = reading([mention(0, 2), mention(10, 12, "ORG")], (0, "employer", 1, 0.8))
    second = reading([mention(10, 12, "ORG"), mention(14, 16, "LOC")], (0, "headquarters", 1, 0.7))
    joined = join_readings(pieces(), [first, second])
    assert [(m.start, m.type) for m in joined.mentions] == [(0, "PER"), (10, "ORG"), (14, "LOC")]
    assert [(t.head, t.relation, t.tail) for t in joined.triples] == [(0, "employer", 1), (1, "headquarters", 2)]


def test_a_triple_brings_a_mention_that_the_other_window_missed():
    first = reading([mention(0, 2), mention(10, 12, "ORG")], (0, "employer", 1, 0.8))
    joined = join_readings(pieces(), [first, reading([])])
    assert [(m.start, m.type) for m in joined.mentions] == [(0, "PER"), (10, "ORG")]
    assert len(joined.triples) == 1


def test_a_triple_is_lost_where_the_other_window_saw_another_name():
    first = reading([mention(0, 2), mention(10, 12, "ORG")], (0, "employer", 1, 0.8))
    joined = join_readings(pieces(), [first, reading([mention(10, 13, "LOC")])])
    assert [(m.start, m.type) for m in joined.mentions] == [(0, "PER"), (10, "LOC")]
    assert not joined.triples


def test_what_both_windows_say_is_said_once_with_the_higher_score():
    same = [mention(8, 9), mention(11, 12, "ORG")]
    first, second = reading(same, (0, "employer", 1, 0.6)), reading(same, (0, "employer", 1, 0.8))
    [triple] = join_readings(pieces(), [first, second]).triples
    assert triple.score == 0.8
