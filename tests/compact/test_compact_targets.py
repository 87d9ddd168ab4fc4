"""What an example says, as labels of spans and pairs: right, wrong, or unknown."""

import numpy as np
import pytest

from graph_schema import load_ontology
from kgbuilder.extract.compact.features import ChineseFeaturizer
from training.compact.batches import Dropout, Layout, Shape, make_batch, plan_batches
from training.compact.swaps import NamePools, swap_names
from training.compact.targets import Labels, make_target
from training.data import Candidate, Example, Mention, Triple

LABELS = Labels(load_ontology("general"))
TEXT = "林知远生于绍兴，林知远在北大读书"
PER, LOC, ORG = (LABELS.type_ids[name] for name in ("PER", "LOC", "ORG"))


@pytest.fixture(scope="module")
def featurizer():
    return ChineseFeaturizer(characters=[], bigrams=[], tags=[], names={})


def make_example(**changes):
    known = {
        "id": "x",
        "language": "zh",
        "source": "written",
        "text": TEXT,
        "group": "x",
        "mentions": (
            Mention(start=0, end=3, type="PER", entity=1),
            Mention(start=5, end=7, type="LOC", entity=2),
            Mention(start=8, end=11, type="PER", entity=1),
            Mention(start=12, end=14, type="ORG", entity=3),
        ),
        "triples": (Triple(head=1, relation="place_of_birth", tail=2), Triple(head=1, relation="educated_at", tail=3)),
        "exhaustive_types": frozenset(LABELS.types),
        "relations": frozenset(LABELS.relations),
    }
    return Example(**known | changes)


def target_of(featurizer, **changes):
    example = make_example(**changes)
    return make_target(example, featurizer.features(example.text), LABELS, width=6)


def batch_of(*targets):
    layout = Layout(
        labels=LABELS,
        width=6,
        n_free=2,
        free_pairs=2,
        d_input=4,
        d=4,
        n_layers=1,
        d_pair=4,
        dropout=Dropout(inputs=0.5, layers=0.0, head=0.0, pairs=0.0, words=0.0, word_fields=(0,)),
    )
    return make_batch(targets, Shape(rows=2, length=20, n_slots=8, n_pairs=40), layout, np.random.default_rng(0))


def test_a_triple_holds_between_the_nearest_mentions_and_is_open_between_the_others(featurizer):
    target = target_of(featurizer)
    born = LABELS.relation_ids["place_of_birth"]
    slots = {span: n for n, span in enumerate(target.slots)}
    assert born in target.right[slots[8, 10], slots[5, 6]]
    assert born in target.maybe[slots[0, 2], slots[5, 6]]


def test_a_symmetric_relation_holds_both_ways(featurizer):
    target = target_of(featurizer, triples=(Triple(head=2, relation="alias", tail=3),))
    assert len(target.right) in (1, 2)
    assert (len(target.right) == 2) == (LABELS.relation_ids["alias"] in LABELS.symmetric)


def test_of_an_exhaustive_source_every_other_span_is_wrong(featurizer):
    batch = batch_of(target_of(featurizer))
    assert batch.spans[0, 0, 2, PER] == 1
    assert batch.spans_negative[0, 0, 2, PER] == 0
    assert batch.spans_negative[0, 0, 2, LOC] == 1
    assert batch.spans_negative[0, 3, 1].all()
    assert not batch.spans_negative[1].any()


def test_of_a_partial_source_only_what_overlaps_a_mention_is_wrong(featurizer):
    batch = batch_of(target_of(featurizer, exhaustive_types=frozenset(), partial_types=frozenset({"PER"})))
    assert batch.spans_negative[0, 0, 1, PER] == 1
    assert batch.spans_negative[0, 3, 1, PER] == 0
    assert batch.spans_negative[0, 0, 1, LOC] == 0


def test_a_candidate_is_open_for_its_types_and_wrong_for_others(featurizer):
    candidate = Candidate(start=12, end=14, types=frozenset({"ORG", "WORK"}), entity=3)
    mentions = make_example().mentions[:3]
    batch = batch_of(target_of(featurizer, mentions=mentions, candidates=(candidate,)))
    assert batch.spans_negative[0, 12, 1, ORG] == 0
    assert batch.spans_negative[0, 12, 1, PER] == 1
    assert batch.free[0, 12, 1] == 0


def test_a_span_wider_than_the_band_is_lost_and_open(featurizer):
    target = target_of(featurizer, mentions=(Mention(start=0, end=9, type="ORG", entity=1),), triples=())
    assert (target.n_lost, target.mentions) == (1, ())
    assert not batch_of(target).spans_negative[0, 0, 2].any()


def test_pairs_in_which_something_holds_are_never_left_out(featurizer):
    batch = batch_of(*[target_of(featurizer)] * 2)
    assert batch.pairs.sum() == 4
    assert not (batch.pairs * batch.pairs_negative).any()
    assert (batch.rows.sum(0) <= 1).all()


def test_of_marked_pairs_no_free_span_is_a_negative(featurizer):
    batch = batch_of(target_of(featurizer, marked_pairs=True))
    assert batch.head.max() < 8
    assert batch.tail.max() < 8


def test_the_same_seed_makes_the_same_batch(featurizer):
    one, other = (batch_of(target_of(featurizer)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.arrays(), other.arrays(), strict=True))


def test_every_text_that_fits_stands_in_one_batch():
    shapes = [Shape(rows=2, length=10, n_slots=1, n_pairs=1), Shape(rows=1, length=20, n_slots=1, n_pairs=1)]
    plan = plan_batches([5, 10, 15, 25, 3], shapes, np.random.default_rng(0))
    assert sorted(n for _, numbers in plan for n in numbers) == [0, 1, 2, 4]
    assert all(len(numbers) <= shapes[place].rows for place, numbers in plan)


def test_swapped_names_stand_where_their_mentions_say():
    example = make_example()
    pools = NamePools([example, make_example(text="王小明生于上海市，王小明在清华大学读书", mentions=(), triples=())])
    swapped = swap_names(example, pools, np.random.default_rng(1), share=1.0)
    assert len(swapped.mentions) == 4
    names = [swapped.text[m.start : m.end] for m in swapped.mentions]
    assert names[0] == names[2]
    assert swapped.triples == example.triples
