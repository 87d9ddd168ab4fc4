"""Each class of errors with a case made by hand, and that every error has exactly one."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.score import AnnotatedEntity, AnnotatedText, AnnotatedTriple
from kgbuilder.score.compare import (
    ENTITY_ERRORS,
    INVENTED,
    MISSED,
    TRIPLE_ERRORS,
    Comparison,
    compare_entities,
    compare_statements,
    statements,
)


def entity(name: str, type_: str = "PER", start: int | None = 0, number: int | None = None) -> AnnotatedEntity:
    end = None if start is None else start + len(name)
    return AnnotatedEntity(text=name, type=type_, start=start, end=end, entity=number)


def triple(said: str, head_type: str = "", tail_type: str = "") -> AnnotatedTriple:
    head, relation, tail = said.split()
    return AnnotatedTriple(head=head, relation=relation, tail=tail, head_type=head_type, tail_type=tail_type)


def text(entities: Sequence[AnnotatedEntity] = (), triples: Sequence[AnnotatedTriple] = ()) -> AnnotatedText:
    return AnnotatedText(id="1", language="zh", source="s", text="", entities=tuple(entities), triples=tuple(triples))


def compared(
    gold: AnnotatedText, predicted: AnnotatedText, symmetric: Sequence[str] = (), with_types: bool = False
) -> Comparison[AnnotatedTriple]:
    ours = frozenset(symmetric)
    wanted, given_ = (statements(said, about=gold, symmetric=ours) for said in (gold, predicted))
    return compare_statements(wanted, given_, with_types=with_types)


def kinds(comparison: Comparison[AnnotatedEntity] | Comparison[AnnotatedTriple]) -> list[str]:
    return [mistake.kind for mistake in comparison.mistakes]


ENTITY_CASES = {
    "type": ([entity("北京")], [entity("北京", "LOC")]),
    "boundary": ([entity("北京大学", "ORG")], [entity("北京", "ORG")]),
    "boundary_and_type": ([entity("北京大学", "ORG")], [entity("北京", "LOC")]),
    MISSED: ([entity("北京大学")], []),
    INVENTED: ([], [entity("北京大学")]),
}


@pytest.mark.parametrize("kind", ENTITY_ERRORS)
def test_an_entity_error_of_each_class(kind: str) -> None:
    gold, predicted = ENTITY_CASES[kind]
    (mistake,) = compare_entities(gold, predicted).mistakes
    assert mistake.kind == kind
    assert (mistake.gold, mistake.predicted) == (gold[0] if gold else None, predicted[0] if predicted else None)


@pytest.mark.parametrize("kind", ENTITY_ERRORS)
def test_without_offsets_the_names_decide(kind: str) -> None:
    gold, predicted = ([entity(e.text, e.type, None) for e in part] for part in ENTITY_CASES[kind])
    assert kinds(compare_entities(gold, predicted)) == [kind]


BORN = "甲 place_of_birth 北京市"
TRIPLE_CASES = {
    "direction": (triple(BORN), triple("北京市 place_of_birth 甲")),
    "argument_type": (triple(BORN, "PER", "LOC"), triple("甲 employer 北京市", "PER", "ORG")),
    "wrong_relation": (triple(BORN, "PER", "LOC"), triple("甲 residence 北京市", "PER", "LOC")),
    "argument_boundary": (triple(BORN), triple("甲 place_of_birth 北京")),
    MISSED: (triple(BORN), None),
    INVENTED: (None, triple(BORN)),
}


@pytest.mark.parametrize("kind", TRIPLE_ERRORS)
def test_a_triple_error_of_each_class(kind: str) -> None:
    gold, predicted = TRIPLE_CASES[kind]
    (mistake,) = compared(text(triples=[gold] if gold else []), text(triples=[predicted] if predicted else [])).mistakes
    assert mistake.kind == kind
    assert (mistake.gold, mistake.predicted) == (gold, predicted)


def test_the_types_of_arguments_come_from_the_entities_where_the_triple_does_not_say_them() -> None:
    gold = text([entity("甲"), entity("北京市", "LOC", 5)], [triple(BORN)])
    predicted = text([entity("甲"), entity("北京市", "ORG", 5)], [triple("甲 employer 北京市")])
    assert kinds(compared(gold, predicted)) == ["argument_type"]


def test_where_types_count_a_triple_with_a_wrong_one_has_its_class() -> None:
    gold, predicted = text(triples=[triple(BORN, "PER", "LOC")]), text(triples=[triple(BORN, "PER", "ORG")])
    assert kinds(compared(gold, predicted)) == []
    assert kinds(compared(gold, predicted, with_types=True)) == ["argument_type"]
    unsaid = text(triples=[triple(BORN, "", "LOC")])
    assert kinds(compared(gold, unsaid, with_types=True)) == ["argument_type"]


def test_another_relation_the_other_way_round_is_a_wrong_relation() -> None:
    assert kinds(compared(text(triples=[triple("甲 parent 乙")]), text(triples=[triple("乙 child_of 甲")]))) == [
        "wrong_relation"
    ]


def test_types_of_arguments_that_have_changed_places_are_no_reason() -> None:
    gold, predicted = triple("甲 employer 乙", "PER", "ORG"), triple("乙 led_by 甲", "ORG", "PER")
    assert kinds(compared(text(triples=[gold]), text(triples=[predicted]))) == ["wrong_relation"]


def test_a_wrong_relation_between_other_things_is_invented() -> None:
    gold, predicted = text(triples=[triple(BORN)]), text(triples=[triple("乙 residence 上海")])
    assert kinds(compared(gold, predicted)) == [MISSED, INVENTED]


def test_a_name_that_shares_no_letters_is_no_boundary() -> None:
    gold, predicted = text(triples=[triple(BORN)]), text(triples=[triple("甲 place_of_birth 上海")])
    assert kinds(compared(gold, predicted)) == [MISSED, INVENTED]


def test_entities_side_by_side_do_not_overlap() -> None:
    assert kinds(compare_entities([entity("北京", "LOC", 0)], [entity("大学", "LOC", 2)])) == [MISSED, INVENTED]


def test_one_missed_entity_explains_one_prediction_only() -> None:
    gold, predicted = [entity("北京大学", "ORG")], [entity("北京", "LOC"), entity("大学", "ORG", 2)]
    comparison = compare_entities(gold, predicted)
    assert kinds(comparison) == ["boundary", INVENTED]
    assert comparison.mistakes[1].predicted == predicted[0]


def test_of_two_missed_entities_the_one_with_more_in_common_is_taken() -> None:
    gold = [entity("ab", "PER", 0), entity("cdef", "PER", 2)]
    predicted = [entity("bcde", "PER", 1)]
    comparison = compare_entities(gold, predicted)
    assert kinds(comparison) == [MISSED, "boundary"]


def test_a_prediction_beside_an_entity_that_was_found_is_invented() -> None:
    gold = [entity("北京大学", "ORG")]
    assert kinds(compare_entities(gold, [*gold, entity("北京", "LOC")])) == [INVENTED]


def test_any_mention_of_a_numbered_entity_stands_for_it() -> None:
    entities = [entity("北京大学", "ORG", 0, 7), entity("北大", "ORG", 9, 7), entity("北大荒", "LOC", 20, 8)]
    gold = text(entities, [triple("甲 educated_at 北京大学")])
    assert kinds(compared(gold, text(triples=[triple("甲 educated_at 北大")]))) == []
    assert kinds(compared(gold, text(triples=[triple("甲 educated_at 北大荒")]))) == ["argument_boundary"]


def test_two_names_of_one_entity_make_one_prediction() -> None:
    gold = text([entity("北京大学", "ORG", 0, 1), entity("北大", "ORG", 9, 1)], [triple("甲 educated_at 北大")])
    predicted = text(triples=[triple("甲 educated_at 北京大学"), triple("甲 educated_at 北大")])
    assert compared(gold, predicted).n_predicted == {"educated_at": 1}


def test_a_symmetric_relation_holds_either_way_round() -> None:
    gold = text(triples=[triple("甲 spouse 乙")])
    predicted = text(triples=[triple("乙 spouse 甲"), triple("甲 spouse 乙")])
    assert kinds(compared(gold, predicted, symmetric=["spouse"])) == []
    assert compared(gold, predicted, symmetric=["spouse"]).n_predicted == {"spouse": 1}
    assert kinds(compared(gold, text(triples=[triple("乙 spouse 甲")]))) == ["direction"]
    assert kinds(compared(gold, text(triples=[triple("乙乙 spouse 甲")]), symmetric=["spouse"])) == [
        "argument_boundary"
    ]


def test_a_very_long_prediction_takes_linear_time() -> None:
    gold = [entity("甲", "PER", at) for at in range(0, 20_000, 2)]
    comparison = compare_entities(gold, [entity("乙" * 1_000_000, "LOC", 0)])
    assert kinds(comparison).count("boundary_and_type") == 1


_ENTITIES = st.lists(
    st.builds(entity, st.sampled_from(["a", "ab", "abc"]), st.sampled_from(["PER", "LOC"]), st.integers(0, 6)),
    max_size=8,
)
_TRIPLES = st.lists(
    st.builds(
        lambda h, r, t, p, q: triple(f"{h} {r} {t}", p, q),
        *(
            st.sampled_from(names)
            for names in (["a", "ab", "b"], ["r", "s"], ["a", "ab", "b"], ["", "PER"], ["", "LOC"])
        ),
    ),
    max_size=8,
)


def check_once(comparison: Comparison[AnnotatedEntity] | Comparison[AnnotatedTriple]) -> None:
    """Every wrong prediction and every missed item stands in exactly one mistake, and fits its class."""
    n_correct = sum(comparison.n_correct.values())
    wrong = [m.predicted for m in comparison.mistakes if m.predicted is not None]
    lost = [m.gold for m in comparison.mistakes if m.gold is not None]
    assert len(wrong) == sum(comparison.n_predicted.values()) - n_correct
    assert len(lost) == sum(comparison.n_gold.values()) - n_correct
    assert len(set(wrong)) == len(wrong)
    assert set(wrong) <= set(comparison.predicted)
    assert set(lost) <= set(comparison.gold)
    for mistake in comparison.mistakes:
        assert (mistake.kind == MISSED) == (mistake.predicted is None)
        assert (mistake.kind == INVENTED) == (mistake.gold is None)


@given(_ENTITIES, _ENTITIES)
def test_every_entity_error_has_one_class(gold: list[AnnotatedEntity], predicted: list[AnnotatedEntity]) -> None:
    check_once(compare_entities(gold, predicted))


@given(_TRIPLES, _TRIPLES, st.booleans(), st.booleans())
def test_every_triple_error_has_one_class(
    gold: list[AnnotatedTriple], predicted: list[AnnotatedTriple], symmetric: bool, with_types: bool
) -> None:
    check_once(compared(text(triples=gold), text(triples=predicted), ["r"] if symmetric else [], with_types))


@given(_TRIPLES, _TRIPLES, st.randoms(use_true_random=False))
def test_the_order_of_predictions_does_not_matter(
    gold: list[AnnotatedTriple], predicted: list[AnnotatedTriple], random: object
) -> None:
    expected = kinds(compared(text(triples=gold), text(triples=predicted)))
    random.shuffle(predicted)  # type: ignore[attr-defined]
    assert sorted(kinds(compared(text(triples=gold), text(triples=predicted)))) == sorted(expected)
