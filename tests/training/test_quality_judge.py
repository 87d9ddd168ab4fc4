"""Judging by the masks of an example: the counts are those of `training.compact.measure`, whatever is said."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from graph_schema import load_ontology
from kgbuilder.extract.compact.decode import Reading, ReadMention, ReadTriple
from kgbuilder.extract.lexicon import create
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, TripleClaim
from kgbuilder.score import evaluate, read_annotated
from kgbuilder.score.report import Scorer
from tests.training.made_quality import TEXT, example, reply
from tests.training.samples import passage
from training.compact.measure import measure_readings
from training.data import Candidate, Example, Mention, Triple
from training.data.dataset import as_example
from training.data.jsonl import row_line
from training.quality.curves import (
    ScoredItems,
    calibration_error,
    precision_recall,
    reliability,
    scored_entities,
    scored_triples,
)
from training.quality.judge import Said, judge, said

RELATIONS = ("spouse", "sibling", "place_of_birth", "employer")


def counts(texts: list[tuple[Example, Said]]) -> dict[str, dict[str, tuple[int, int, int]]]:
    scorer = Scorer(n_worst=0)
    for one, found in texts:
        scorer.add(judge(one, found, name="s"))
    report = scorer.report(n_resamples=0)
    return {
        part: {
            name: (score.n, score.n_predicted, score.n_correct)
            for name, score in {"": scores.overall, **scores.by_type}.items()
            if score.n or score.n_predicted
        }
        for part, scores in (("entities", report.entities), ("triples", report.triples))
    }


def expected(texts: list[tuple[Example, Said]]) -> dict[str, dict[str, tuple[int, int, int]]]:
    found = measure_readings((one, answer.reading) for one, answer in texts)
    return {
        part: {name: (c.gold, c.predicted, c.correct) for name, c in named.items() if c.gold or c.predicted}
        for part, named in (("entities", found.entities), ("triples", found.triples))
    }


SPANS = ((0, 1), (1, 2), (2, 4), (4, 5), (5, 6))
TYPES = ("PER", "LOC", "ORG")


def some(random: Random, items: Sequence[str]) -> frozenset[str]:
    return frozenset(item for item in items if random.random() < 0.6)


def masked_example(random: Random) -> Example:
    """An example with every kind of mask over six characters, in which one name stands twice."""
    mentions, candidates = [], []
    for start, end in SPANS:
        entity, kind = random.randrange(4), random.random()
        if kind < 0.5:
            mentions.append(Mention(start=start, end=end, type=random.choice(TYPES), entity=entity))
        elif kind < 0.8:
            candidates.append(Candidate(start=start, end=end, types=some(random, TYPES), entity=entity))
    known = sorted({span.entity for span in (*mentions, *candidates)})

    def triples(n: int) -> set[Triple]:
        ends = [(random.choice(known), random.choice(known)) for _ in range(n if known else 0)]
        return {Triple(head=head, relation=random.choice(RELATIONS), tail=tail) for head, tail in ends}

    stated, group = triples(3), tuple(triples(2))
    return Example(
        id="1",
        language="zh",
        source="s",
        text="甲乙丙丁丙甲",
        group="1",
        mentions=tuple(mentions),
        candidates=tuple(candidates),
        triples=tuple(stated),
        unknown=tuple(triples(2) - stated),
        either=(group,) if group else (),
        exhaustive_types=some(random, TYPES),
        relations=some(random, RELATIONS),
        marked_pairs=random.random() < 0.3,
    )


def random_reply(random: Random) -> Said:
    spans = [span for span in SPANS if random.random() < 0.8] or [SPANS[0]]
    mentions = tuple(ReadMention(start=s, end=e, type=random.choice(TYPES), score=random.random()) for s, e in spans)
    numbers = range(len(mentions))
    triples = tuple(
        ReadTriple(
            head=random.choice(numbers),
            relation=random.choice(RELATIONS),
            tail=random.choice(numbers),
            score=random.random(),
        )
        for _ in range(random.randrange(7))
    )
    return Said(reading=Reading(mentions=mentions, triples=triples), n_stated=len(mentions))


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_the_measure_that_thresholds_are_chosen_by(seed: int) -> None:
    random = Random(seed)
    texts = [(masked_example(random), random_reply(random)) for _ in range(200)]
    for text in texts:
        assert counts([text]) == expected([text])
    together = counts(texts)
    assert together == expected(texts)
    assert together["triples"][""][2] > 20
    assert together["entities"][""][2] > 20


def test_errors_are_classed_by_what_the_example_closes() -> None:
    one = example()
    judged = judge(one, reply(one), name="written")
    assert [(m.kind, m.gold and m.gold.text) for m in judged.entities.mistakes] == [("missed", "苏晚")]
    (wrong,) = judged.triples.mistakes
    assert wrong.kind == "invented"
    assert (wrong.predicted.head, wrong.predicted.relation, wrong.predicted.tail) == ("林知远", "spouse", "绍兴")
    assert (judged.source, judged.language, judged.n_errors) == ("written", "zh", 2)


def test_a_triple_that_a_symmetric_relation_turns_round_keeps_its_names() -> None:
    one = example()
    gold = Example(
        **{name: getattr(one, name) for name in one.__slots__}
        | {"triples": (Triple(head=0, relation="spouse", tail=2),)}
    )
    mentions = tuple(ReadMention(start=m.start, end=m.end, type=m.type, score=1.0) for m in gold.mentions)
    turned = Reading(mentions=mentions, triples=(ReadTriple(head=2, relation="spouse", tail=0, score=1.0),))
    judged = judge(gold, Said(reading=turned, n_stated=3), name="s")
    assert judged.n_errors == 0
    assert [(t.head, t.tail) for t in judged.triples.predicted] == [("林知远", "苏晚")]


def test_claims_become_a_reading() -> None:
    extraction = Extraction(
        passage_id="1",
        extractor="x",
        state="done",
        mentions=(
            MentionClaim(text="林知远", label="PER", start=0, score=0.5),
            MentionClaim(text="绍兴", label="LOC"),
            MentionClaim(text="北京", label="LOC"),
        ),
        triples=(
            TripleClaim(head="林知远", relation="place_of_birth", tail="绍兴", head_start=0, score=0.7),
            TripleClaim(head="林知远", relation="spouse", tail="苏晚", tail_label="PER"),
            TripleClaim(head="林知远", relation="spouse", tail="北京"),
        ),
    )
    found = said(TEXT, extraction)
    assert found.n_stated == 2
    assert [(m.start, m.end, m.type) for m in found.reading.mentions] == [(0, 3, "PER"), (5, 7, "LOC"), (9, 11, "PER")]
    assert [(t.head, t.relation, t.tail) for t in found.reading.triples] == [(0, "place_of_birth", 1), (0, "spouse", 2)]
    judged = judge(example(), found, name="s")
    assert judged.entities.n_predicted == {"PER": 1, "LOC": 1}


def test_a_failed_extraction_says_nothing_and_why() -> None:
    failure = Failure(kind="x", what="it died")
    found = said(TEXT, Extraction(passage_id="1", extractor="x", state="failed", failure=failure))
    assert (found.reading.mentions, found.failure) == ((), "it died")
    assert judge(example(), found, name="s").failure == "it died"


def test_this_page_and_kgbuilder_evaluate_say_the_same(tmp_path) -> None:
    """Over a few passages with short forms and a symmetric relation, for types and relations that are annotated."""
    ontology = load_ontology("general")
    passages = [
        passage(line, id=f"zh_a-{number}")
        for number, line in enumerate(
            [
                "[1:PER 林知远][2:TIME 1978年3月]生于[3:LOC 绍兴]，毕业于[4:ORG 浙江大学]。"
                " || 1 place_of_birth 3; 1 date_of_birth 2; 1 educated_at 4",
                "[1:PER 林知远]的妻子[2:PER 苏晚]是[3:TERM 画家]。 || 1 spouse 2; 2 occupation 3",
                "[1:ORG 澜岳精工科技股份有限公司]（[2:ORG 澜岳精工]）总部位于[3:LOC 杭州市]。"
                " || 1 alias 2; 1 headquarters 3",
            ]
        )
    ]
    extractor = create(ontology, {})
    file = tmp_path / "gold.jsonl"
    file.write_text("\n".join(map(row_line, passages)), encoding="utf-8")
    report = evaluate(read_annotated(file), extractor, ontology)
    asked = [Passage(id=str(n), text=one.text, language="zh") for n, one in enumerate(passages)]
    replies = {extraction.passage_id: extraction for extraction in extractor.extract(asked)}
    texts = [(as_example(one, ontology), said(one.text, replies[str(n)])) for n, one in enumerate(passages)]
    ours = counts(texts)
    for part, scores in (("entities", report.entities), ("triples", report.triples)):
        assert sum(score.n_correct for score in scores.by_type.values()) > 1
        for name, score in scores.by_type.items():
            assert ours[part][name] == (score.n, score.n_predicted, score.n_correct), name


# --- curves -----------------------------------------------------------------------------------------------------------


def items(*pairs: tuple[float, bool], n_gold: int = 4) -> ScoredItems:
    return ScoredItems(
        scores=np.array([score for score, _ in pairs], float),
        right=np.array([r for _, r in pairs], bool),
        n_gold=n_gold,
    )


def test_precision_and_recall_at_every_threshold() -> None:
    recall, precision = precision_recall(items((0.5, False), (0.9, True), (0.5, True), (0.1, False)))
    assert recall.tolist() == [0.25, 0.5, 0.5]
    assert precision.tolist() == pytest.approx([1.0, 2 / 3, 0.5])


def test_nothing_scored_has_an_empty_curve() -> None:
    recall, precision = precision_recall(items())
    assert (recall.tolist(), precision.tolist()) == ([], [])
    assert reliability(items()) == []
    assert calibration_error([]) == 0.0


def test_bins_hold_mean_score_and_share() -> None:
    bins = reliability(items((0.95, True), (1.0, True), (0.91, False), (0.0, False), (0.05, True)))
    assert [(b.low, b.high, b.n) for b in bins] == [(0.0, 0.1, 2), (0.9, 1.0, 3)]
    assert [b.share for b in bins] == pytest.approx([0.5, 2 / 3])
    assert bins[1].score == pytest.approx(0.95333, abs=1e-4)
    assert calibration_error(bins) == pytest.approx((2 * 0.475 + 3 * (0.95333 - 2 / 3)) / 5, abs=1e-4)


def test_well_calibrated_scores_have_no_error() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(50_000)
    bins = reliability(ScoredItems(scores=scores, right=rng.random(50_000) < scores, n_gold=25_000))
    assert calibration_error(bins) < 0.01
    assert len(bins) == 10


def test_a_triple_that_is_stated_twice_counts_once_with_its_highest_score() -> None:
    one = example()
    answer = reply(one)
    again = ReadTriple(head=0, relation="place_of_birth", tail=1, score=0.95)
    twice = Reading(mentions=answer.reading.mentions, triples=(*answer.reading.triples, again))
    found = scored_triples([(one, Said(reading=twice, n_stated=2))])
    assert sorted(zip(found.scores.tolist(), found.right.tolist(), strict=True)) == [(0.3, False), (0.95, True)]
    assert found.n_gold == 1
    stated = scored_entities([(one, answer)])
    assert (stated.right.tolist(), stated.n_gold) == ([True, True], 3)
