import json
import time

import pytest

from graph_schema import EntityType, Ontology, RelationType
from kgbuilder.extract.ground import MAX_CLAIMS, MAX_MENTIONS, ground
from kgbuilder.records import Extraction, Grounded, MentionClaim, TripleClaim

ENTITY_TYPES = tuple(
    EntityType(id=id, label=label, zh=zh, en=label.lower())
    for id, label, zh in (
        ("PER", "Person", "人物"),
        ("ORG", "Organization", "机构"),
        ("LOC", "Location", "地点"),
        ("TIME", "Time", "时间"),
    )
)
RELATION_TYPES = (
    RelationType(id="founded_by", type="FOUNDED_BY", zh="创始人", en="founded by", head=("ORG",), tail=("PER", "ORG")),
    RelationType(
        id="place_of_birth", type="PLACE_OF_BIRTH", zh="出生地", en="place of birth", head=("PER",), tail=("LOC",)
    ),
    RelationType(id="located_in", type="LOCATED_IN", zh="位于", en="located in", head=("LOC", "ORG"), tail=("LOC",)),
    RelationType(id="spouse", type="SPOUSE", zh="配偶", en="spouse", head=("PER",), tail=("PER",), symmetric=True),
)
CLOSED = Ontology.of("test", ENTITY_TYPES, RELATION_TYPES)
OPEN = Ontology.of("open", (), (), open=True)


def sentence_spans(text: str, offset: int) -> tuple[tuple[int, int], ...]:
    ends = [
        at + 1 for at, char in enumerate(text) if char in "。." and text[at + 1 : at + 2] in ("", " ", *"林她他华苏")
    ]
    starts = [0, *ends]
    return tuple(
        (offset + start, offset + end) for start, end in zip(starts, [*ends, len(text)], strict=False) if start < end
    )


def run(
    text: str,
    mentions: tuple[MentionClaim, ...] = (),
    triples: tuple[TripleClaim, ...] = (),
    *,
    ontology: Ontology = CLOSED,
    offset: int = 0,
) -> Grounded:
    extraction = Extraction(passage_id="p", extractor="e", state="done", mentions=mentions, triples=triples)
    return ground(
        extraction,
        text=text,
        document_id="d",
        offset=offset,
        sentences=sentence_spans(text, offset),
        ontology=ontology,
    )


def per(text: str, start: int | None = None) -> MentionClaim:
    return MentionClaim(text=text, label="PER", start=start)


def org(text: str) -> MentionClaim:
    return MentionClaim(text=text, label="机构")


def loc(text: str) -> MentionClaim:
    return MentionClaim(text=text, label="location")


def triple(head: str, relation: str, tail: str) -> TripleClaim:
    return TripleClaim(head=head, relation=relation, tail=tail)


def spans(grounded: Grounded) -> list[tuple[int, int, str, str]]:
    return [(mention.start, mention.end, mention.text, mention.label) for mention in grounded.mentions]


def reasons(grounded: Grounded) -> list[str]:
    return [item.reason for item in grounded.quarantined]


def pairs(grounded: Grounded) -> list[tuple[int, str, int]]:
    starts = {mention.id: mention.start for mention in grounded.mentions}
    return [(starts[triple.head], triple.relation, starts[triple.tail]) for triple in grounded.triples]


def test_mentions_have_document_offsets_and_ontology_ids() -> None:
    grounded = run("华为由任正非创立。", (org("华为"), per("任正非")), offset=100)
    assert spans(grounded) == [(100, 102, "华为", "ORG"), (103, 106, "任正非", "PER")]
    assert grounded.quarantined == ()


def test_a_name_without_offset_becomes_a_mention_everywhere() -> None:
    assert [start for start, *_ in spans(run("林远说，林远笑。", (per("林远"),)))] == [0, 4]


def test_a_name_inside_a_longer_name_is_left_out() -> None:
    grounded = run("北京大学在北京。", (org("北京大学"), loc("北京")))
    assert spans(grounded) == [(0, 4, "北京大学", "ORG"), (5, 7, "北京", "LOC")]


def test_a_name_that_stands_only_inside_a_longer_name_is_kept_there() -> None:
    grounded = run("北京大学招生。", (org("北京大学"), loc("北京")))
    assert spans(grounded) == [(0, 2, "北京", "LOC"), (0, 4, "北京大学", "ORG")]


def test_a_right_offset_is_taken_as_it_is() -> None:
    assert [start for start, *_ in spans(run("林远说，林远笑。", (per("林远", 4),)))] == [4]


def test_a_wrong_offset_leads_to_the_nearest_place() -> None:
    assert [start for start, *_ in spans(run("林远说，林远笑。", (per("林远", 5),)))] == [4]


def test_an_offset_counts_from_the_white_space_before_the_name() -> None:
    assert [start for start, *_ in spans(run("a Bo b Bo", (per(" Bo", 6),)))] == [7]


@pytest.mark.parametrize("start", [-1, 10_000])
def test_an_offset_outside_the_text_is_no_error(start: int) -> None:
    assert len(run("林远说。", (per("林远", start),)).mentions) == 1


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (MentionClaim(text="王伟", label="PER"), "not in the text"),
        (MentionClaim(text="林远", label="Dragon"), "unknown type"),
        (MentionClaim(text="林远", label=""), "unknown type"),
        (MentionClaim(text="", label="PER"), "not a name"),
        (MentionClaim(text=" \u3000", label="PER"), "not a name"),
        (MentionClaim(text="，。", label="PER"), "not a name"),
        (MentionClaim(text="林" * 10_000, label="PER"), "not a name"),
        (MentionClaim(text="\ud800", label="PER"), "not a name"),
        (MentionClaim(text="林\ud800", label="PER"), "not in the text"),
    ],
)
def test_an_entity_that_cannot_be_grounded_is_quarantined_with_its_claim(claim: MentionClaim, reason: str) -> None:
    grounded = run("林远说。", (claim,))
    assert grounded.mentions == ()
    assert reasons(grounded) == [reason]
    assert json.loads(grounded.quarantined[0].claim)["label"] == claim.label
    grounded.quarantined[0].claim.encode()
    grounded.quarantined[0].detail.encode()


def test_two_types_of_the_same_words_keep_the_better_score() -> None:
    claims = (MentionClaim(text="华盛顿", label="LOC", score=0.5), MentionClaim(text="华盛顿", label="PER", score=0.9))
    grounded = run("华盛顿来了。", claims)
    assert [mention.label for mention in grounded.mentions] == ["PER"]
    assert reasons(grounded) == ["conflicting type"]
    assert json.loads(grounded.quarantined[0].claim)["label"] == "LOC"


def test_two_types_of_the_same_words_with_one_score_keep_the_first_claim() -> None:
    grounded = run("华盛顿来了。", (loc("华盛顿"), per("华盛顿")))
    assert [mention.label for mention in grounded.mentions] == ["LOC"]


def test_two_types_of_the_same_words_are_both_kept_in_open_mode() -> None:
    grounded = run("华盛顿来了。", (loc("华盛顿"), per("华盛顿")), ontology=OPEN)
    assert len(grounded.mentions) == 2
    assert grounded.quarantined == ()


def test_homonyms_with_offsets_keep_their_types() -> None:
    claims = (per("华盛顿", 0), MentionClaim(text="华盛顿", label="LOC", start=5))
    grounded = run("华盛顿住在华盛顿。", claims)
    assert spans(grounded) == [(0, 3, "华盛顿", "PER"), (5, 8, "华盛顿", "LOC")]
    assert grounded.quarantined == ()


def test_a_triple_takes_the_pair_in_one_sentence_before_the_nearest() -> None:
    text = "华为很大。林正非先生于许多年以前创立了华为。"
    grounded = run(text, (org("华为"), per("林正非")), (triple("华为", "founded_by", "林正非"),))
    assert pairs(grounded) == [(19, "founded_by", 5)]
    evidence = grounded.triples[0]
    assert text[evidence.evidence_start : evidence.evidence_end] == "林正非先生于许多年以前创立了华为。"


def test_a_triple_takes_the_nearest_pair_of_a_sentence() -> None:
    text = "华为公司在许多年以前由任正非创立了华为。"
    grounded = run(text, (org("华为"), per("任正非")), (triple("华为", "founded_by", "任正非"),))
    assert pairs(grounded) == [(17, "founded_by", 11)]


def test_evidence_is_the_sentence_without_the_white_space_around_it() -> None:
    text = "It rained.  Acme was founded by Bo Li.  It snowed."
    grounded = run(text, (org("Acme"), per("Bo Li")), (triple("Acme", "founded by", "Bo Li"),), offset=7)
    evidence = grounded.triples[0]
    assert text[evidence.evidence_start - 7 : evidence.evidence_end - 7] == "Acme was founded by Bo Li."


def test_evidence_spans_the_sentences_of_both_mentions() -> None:
    text = "Acme is old. It rained. Bo Li founded it. It snowed."
    grounded = run(text, (org("Acme"), per("Bo Li")), (triple("Acme", "founded by", "Bo Li"),))
    evidence = grounded.triples[0]
    assert text[evidence.evidence_start : evidence.evidence_end] == "Acme is old. It rained. Bo Li founded it."


def test_evidence_stays_within_the_passage_when_its_sentence_does_not() -> None:
    extraction = Extraction(
        passage_id="p",
        extractor="e",
        state="done",
        mentions=(org("Acme"), per("Bo Li")),
        triples=(triple("Acme", "founded_by", "Bo Li"),),
    )
    text = " Acme was founded by Bo Li "
    grounded = ground(extraction, text=text, document_id="d", offset=50, sentences=[(0, 40), (40, 90)], ontology=CLOSED)
    assert (grounded.triples[0].evidence_start, grounded.triples[0].evidence_end) == (51, 76)


def test_evidence_without_sentences_is_what_lies_between_the_mentions() -> None:
    extraction = Extraction(
        passage_id="p",
        extractor="e",
        state="done",
        mentions=(org("Acme"), per("Bo Li")),
        triples=(triple("Acme", "founded_by", "Bo Li"),),
    )
    grounded = ground(extraction, text="So Acme: Bo Li!", document_id="d", offset=0, sentences=(), ontology=CLOSED)
    assert (grounded.triples[0].evidence_start, grounded.triples[0].evidence_end) == (3, 14)


def test_the_type_of_an_argument_follows_the_only_signature() -> None:
    grounded = run("任正非生于贵州。", (per("任正非"),), (triple("任正非", "出生地", "贵州"),))
    assert spans(grounded) == [(0, 3, "任正非", "PER"), (5, 7, "贵州", "LOC")]


def test_the_type_of_an_argument_is_not_guessed_among_several() -> None:
    grounded = run("华为由任正非创立。", (org("华为"),), (triple("华为", "founded_by", "任正非"),))
    assert reasons(grounded) == ["type unknown"]
    assert grounded.triples == ()


def test_the_claimed_type_of_an_argument_is_used_when_no_entity_claim_names_it() -> None:
    claim = TripleClaim(head="华为", relation="founded_by", tail="任正非", head_label="ORG", tail_label="人物")
    assert len(run("华为由任正非创立。", (), (claim,)).triples) == 1


def test_an_argument_with_two_types_takes_the_one_the_relation_allows() -> None:
    claims = (per("华盛顿", 0), MentionClaim(text="华盛顿", label="LOC", start=6), per("约翰"))
    grounded = run("华盛顿与约翰在华盛顿。", claims, (triple("约翰", "place_of_birth", "华盛顿"),))
    assert reasons(grounded) == []
    assert pairs(grounded) == [(4, "place_of_birth", 7)]


def test_an_argument_placed_where_no_mention_is_takes_the_type_of_its_mentions_elsewhere() -> None:
    claim = TripleClaim(head="华为", relation="founded_by", tail="林远", tail_start=10)
    grounded = run("林远来了。华为由林远创立。", (org("华为"), per("林远", 0)), (claim,))
    assert reasons(grounded) == []
    assert spans(grounded) == [(0, 2, "林远", "PER"), (5, 7, "华为", "ORG"), (8, 10, "林远", "PER")]


def test_a_reversed_triple_is_quarantined_and_the_detail_says_so() -> None:
    grounded = run("任正非生于贵州。", (per("任正非"), loc("贵州")), (triple("贵州", "place_of_birth", "任正非"),))
    assert reasons(grounded) == ["wrong signature"]
    assert "reverse" in grounded.quarantined[0].detail


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (triple("任正非", "killed", "贵州"), "unknown relation"),
        (triple("任正非", "place_of_birth", "云南"), "not in the text"),
        (triple("孟晚舟", "place_of_birth", "贵州"), "not in the text"),
        (triple("任正非", "place_of_birth", "任正非"), "self relation"),
        (triple("任正非", "place_of_birth", ""), "not a name"),
        (triple("任正非", "spouse", "贵州"), "wrong signature"),
        (TripleClaim(head="任正非", relation="place_of_birth", tail="华为", tail_label="Dragon"), "unknown type"),
    ],
)
def test_a_triple_that_cannot_be_grounded_is_quarantined(claim: TripleClaim, reason: str) -> None:
    grounded = run("华为任正非生于贵州。", (per("任正非"), loc("贵州")), (claim,))
    assert grounded.triples == ()
    assert reasons(grounded) == [reason]


def test_two_spellings_of_one_place_are_a_self_relation() -> None:
    claim = TripleClaim(head="IBM", relation="spouse", tail="ＩＢＭ", head_label="PER", tail_label="PER")
    assert reasons(run("IBM ok.", (), (claim,))) == ["self relation"]


def test_a_repeated_claim_is_one_triple_with_the_better_score() -> None:
    claims = tuple(
        TripleClaim(head="任正非", relation=relation, tail="贵州", score=score)
        for relation, score in (("place_of_birth", 0.3), ("出生地", 0.8), ("place_of_birth", 0.3))
    )
    grounded = run("任正非生于贵州。", (per("任正非"), loc("贵州")), claims)
    assert [item.score for item in grounded.triples] == [0.8]
    assert grounded.quarantined == ()


def test_both_directions_of_a_symmetric_relation_are_left_as_stated() -> None:
    claims = (triple("林远", "spouse", "苏青"), triple("苏青", "spouse", "林远"))
    assert len(run("林远娶苏青。", (per("林远"), per("苏青")), claims).triples) == 2


def test_open_mode_makes_types_and_relations_of_any_name() -> None:
    grounded = run(
        "The Krz eats wrob.",
        (MentionClaim(text="Krz", label="space worm"), MentionClaim(text="wrob", label="plant")),
        (triple("Krz", "feeds on", "wrob"),),
        ontology=OPEN,
    )
    assert [mention.label for mention in grounded.mentions] == ["SpaceWorm", "Plant"]
    assert [item.relation for item in grounded.triples] == ["FEEDS_ON"]


def test_ten_thousand_claims_stay_fast_and_are_accounted_for() -> None:
    mentions = tuple(per(f"Nobody Number {number}") for number in range(10_000))
    triples = tuple(triple("Bo", "spouse", f"Nobody Number {number}") for number in range(10_000))
    started = time.process_time()
    grounded = run("Bo left. " * 400, mentions, triples)
    assert time.process_time() - started < 2
    assert reasons(grounded).count("too many claims") == 2
    assert len(grounded.quarantined) == 2 * MAX_CLAIMS + 2


def test_repeats_of_one_claim_are_not_too_many() -> None:
    assert reasons(run("Bo left.", (per("Bo"),) * 10_000)) == []


def test_places_beyond_the_bound_are_left_out_with_a_note_and_every_name_keeps_one() -> None:
    grounded = run("Bo and Al. " * 300 + "Cy.", (per("Bo"), per("Al"), per("Cy")))
    assert len(grounded.mentions) == MAX_MENTIONS
    assert {mention.text for mention in grounded.mentions} == {"Bo", "Al", "Cy"}
    assert reasons(grounded) == ["too many mentions"]


def test_names_beyond_the_bound_are_quarantined_one_by_one() -> None:
    names = [f"N{number}x" for number in range(MAX_MENTIONS + 10)]
    grounded = run(" ".join(names), tuple(per(name) for name in names))
    assert len(grounded.mentions) == MAX_MENTIONS
    assert reasons(grounded) == ["too many mentions"] * 11


def test_ids_are_stable_and_depend_on_place_and_document() -> None:
    one, again = (run("林远说。", (per("林远"),)).mentions[0] for _ in range(2))
    moved = run("林远说。", (per("林远"),), offset=1).mentions[0]
    assert one.id == again.id != moved.id


def test_an_extraction_without_claims_grounds_to_nothing() -> None:
    assert run("") == Grounded(mentions=(), triples=(), quarantined=())
