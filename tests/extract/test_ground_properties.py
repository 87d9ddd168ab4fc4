import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_schema import EntityType, Ontology, RelationType
from kgbuilder.extract.ground import REASONS, ground
from kgbuilder.records import Extraction, Grounded, MentionClaim, TripleClaim

ONTOLOGY = Ontology.of(
    "test",
    (
        EntityType(id="PER", label="Person", zh="人物", en="person"),
        EntityType(id="LOC", label="Location", zh="地点", en="location"),
    ),
    (
        RelationType(id="spouse", type="SPOUSE", zh="配偶", en="spouse", head=("PER",), tail=("PER",)),
        RelationType(id="place_of_birth", type="BORN_IN", zh="出生地", en="born in", head=("PER",), tail=("LOC",)),
    ),
)
OPEN = Ontology.of("open", (), (), open=True)

PIECES = st.sampled_from(
    [
        "林知远",
        "知远",
        "臺灣",
        "台湾",
        "Bo",
        "BO",
        "Ｂｏ",
        " ",
        "。",
        "\n",
        "\u200b",
        "é",
        "e\u0301",
        "12",
        "1",
        ".5",
        "Bob",
        "ß",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join)
NAMES = st.lists(PIECES, max_size=3).map("".join) | st.text(max_size=4)
LABELS = st.sampled_from(["PER", "人物", "LOC", "Dragon", ""])
SCORES = st.floats(0, 1)
STARTS = st.none() | st.integers(-2, 40)
MENTIONS = st.builds(MentionClaim, text=NAMES, label=LABELS, start=STARTS, score=SCORES)
TRIPLES = st.builds(
    TripleClaim,
    head=NAMES,
    relation=st.sampled_from(["spouse", "出生地", "killed", ""]),
    tail=NAMES,
    head_label=st.none() | LABELS,
    tail_label=st.none() | LABELS,
    head_start=STARTS,
    tail_start=STARTS,
    score=SCORES,
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, int, tuple[tuple[int, int], ...], Extraction]:
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)) | {0, len(text)})
    offset = draw(st.integers(0, 5))
    sentences = tuple((offset + a, offset + b) for a, b in pairwise(cuts) if draw(st.booleans()))
    extraction = Extraction(
        passage_id="p",
        extractor="e",
        state="done",
        mentions=tuple(draw(st.lists(MENTIONS, max_size=6))),
        triples=tuple(draw(st.lists(TRIPLES, max_size=6))),
    )
    return text, offset, sentences, extraction


Case = tuple[str, int, tuple[tuple[int, int], ...], Extraction]


def run(case: Case, ontology: Ontology) -> Grounded:
    text, offset, sentences, extraction = case
    return ground(extraction, text=text, document_id="d", offset=offset, sentences=sentences, ontology=ontology)


@settings(max_examples=300, deadline=None)
@given(cases(), st.sampled_from([ONTOLOGY, OPEN]))
def test_what_is_grounded_stands_in_the_text(case: Case, ontology: Ontology) -> None:
    text, offset, _, _ = case
    grounded = run(case, ontology)
    mentions = {mention.id: mention for mention in grounded.mentions}
    assert len(mentions) == len(grounded.mentions)
    for mention in grounded.mentions:
        assert mention.text
        assert text[mention.start - offset : mention.end - offset] == mention.text
    for triple in grounded.triples:
        head, tail = mentions[triple.head], mentions[triple.tail]
        assert (head.start, head.end) != (tail.start, tail.end)
        assert offset <= triple.evidence_start <= min(head.start, tail.start)
        assert max(head.end, tail.end) <= triple.evidence_end <= offset + len(text)
        assert ontology.allows(head.label, triple.relation, tail.label)


@settings(max_examples=300, deadline=None)
@given(cases(), st.sampled_from([ONTOLOGY, OPEN]))
def test_every_claim_is_grounded_or_quarantined(case: Case, ontology: Ontology) -> None:
    grounded = run(case, ontology)
    refused = [json.loads(item.claim) for item in grounded.quarantined]
    assert {item.reason for item in grounded.quarantined} <= set(REASONS)
    labels = {mention.label for mention in grounded.mentions}
    for claim in case[3].mentions:
        known = ontology.entity_type(claim.label)
        is_grounded = known is not None and known.id in labels
        assert is_grounded or any(item.get("text") == claim.text and item["label"] == claim.label for item in refused)
    relations = {triple.relation for triple in grounded.triples}
    for item in case[3].triples:
        relation = ontology.relation_type(item.relation)
        is_grounded = relation is not None and relation.id in relations
        assert is_grounded or any(
            (other.get("head"), other.get("relation"), other.get("tail")) == (item.head, item.relation, item.tail)
            for other in refused
        )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_grounding_is_deterministic_and_its_mentions_ground_to_themselves(case: Case) -> None:
    text, offset, sentences, _ = case
    grounded = run(case, ONTOLOGY)
    assert run(case, ONTOLOGY) == grounded
    claims = tuple(
        MentionClaim(text=mention.text, label=mention.label, start=mention.start - offset, score=mention.score)
        for mention in grounded.mentions
    )
    again = Extraction(passage_id="p", extractor="e", state="done", mentions=claims)
    assert run((text, offset, sentences, again), ONTOLOGY).mentions == grounded.mentions
