"""What pages read from the ledger beyond its lists."""

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.ids import content_id
from kgbuilder.ledger import Ledger, browse, views
from kgbuilder.records import PageSpan
from tests.ui.filled import ALSO_HOLT, HOLT, SAMPLE, WUYUAN, entity_id, fact_id, make

HOLT_ID = entity_id("Maren Holt", "PER")


@pytest.fixture
def connection(tmp_path):
    workspace = make(tmp_path, SAMPLE)
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger, ledger.reading() as connection:
        yield connection


def document_id(text) -> str:
    return content_id("document", text.text)


def test_kinds_are_counted_most_first(connection):
    assert browse.entity_labels(connection)[0] == ("LOC", 4)
    assert browse.fact_relations(connection)[:3] == [("founded_by", 2), ("headquarters", 2), ("place_of_birth", 2)]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"search": "holt"},
        {"relation": "founded_by"},
        {"label": "LOC"},
        {"entity": HOLT_ID},
        {"document": document_id(WUYUAN)},
        {"status": "extracted", "min_score": 0.5},
        {"min_score": 0.99},
        {"search": "%"},
    ],
)
def test_counts_agree_with_lists(connection, filters):
    assert views.n_facts(connection, **filters) == len(views.fact_views(connection, **filters, limit=1000))


def test_counts_of_documents_and_entities_agree_with_lists(connection):
    for filters in ({}, {"text": "holt"}, {"state": "failed"}, {"text": "/files/"}):
        assert views.n_documents(connection, **filters) == len(views.document_views(connection, **filters))
    for filters in ({}, {"search": "o"}, {"label": "PER"}):
        assert views.n_entities(connection, **filters) == len(views.entity_views(connection, **filters))


def test_a_part_of_a_text_is_counted_in_code_points(connection):
    assert browse.text_between(connection, document_id(WUYUAN), 4, 13) == "1962年9月8日"
    assert browse.text_between(connection, document_id(WUYUAN), 9999, 99999) == ""


def test_mentions_of_a_passage_stand_where_the_text_has_them(connection):
    start, end = 20, 60
    text = browse.text_between(connection, document_id(WUYUAN), 0, 999)
    found = browse.mentions_between(connection, document_id(WUYUAN), start, end)
    assert found
    assert all(text[m.start : m.end] == m.text and m.start < end and m.end > start for m in found)


def test_pages_tell_where_a_character_stands(connection):
    pages = browse.pages_of(connection, [document_id(HOLT), document_id(WUYUAN)])
    assert set(pages) == {document_id(HOLT)}
    assert [browse.page_at(pages[document_id(HOLT)], at) for at in (0, 50, 51, 9999)] == [1, 1, 2, None]


def test_of_several_lines_of_a_page_the_right_one_is_found():
    spans = (PageSpan(start=0, end=5, page=1), PageSpan(start=6, end=9, page=1), PageSpan(start=9, end=12, page=2))
    assert [browse.page_at(spans, at) for at in (4, 5, 6, 9)] == [1, None, 1, 2]


def test_what_leaves_with_a_document_is_what_nothing_else_states(connection):
    leaving = browse.departure(connection, document_id(HOLT))
    assert (leaving.n_evidence, leaving.n_facts, leaving.n_facts_kept) == (3, 2, 1)
    assert set(leaving.facts) == {
        ("Maren Holt", "place_of_birth", "Ardvik"),
        ("Northlight Labs", "headquarters", "Oslo"),
    }
    assert leaving.n_entities == 3  # Ardvik, Oslo, Lumen probe


def test_nothing_leaves_with_a_document_that_others_repeat(connection):
    leaving = browse.departure(connection, document_id(ALSO_HOLT))
    assert (leaving.n_facts, leaving.n_facts_kept, leaving.n_entities) == (0, 1, 0)


def test_places_of_an_entity_come_with_their_words(connection):
    quotes = browse.quotes_of(connection, HOLT_ID)
    assert [q.document_name for q in quotes] == ["founders.html", "maren-holt.pdf", "maren-holt.pdf"]
    assert quotes[0].before == "In 2009 "
    assert all(q.text == "Maren Holt" for q in quotes)


def test_the_picture_leaves_out_dates_and_what_has_no_facts(connection):
    picture = browse.busiest(connection, limit=80, without=("TIME", "NUM"))
    names = {entity.name for entity in picture.entities}
    assert "1962年9月8日" not in names
    assert "Lumen probe" not in names
    assert {line.fact_id for line in picture.lines} >= {
        fact_id(entity_id("Northlight Labs", "ORG"), "founded_by", HOLT_ID)
    }


def test_a_picture_is_never_a_ball_of_wool():
    lines = [
        browse.Line(fact_id=str(n), head=f"e{n % 20}", relation="r", tail=f"e{n % 19}", n_evidence=1)
        for n in range(300)
    ]
    kept = browse._thinned(lines, 40)
    assert len(kept) == 40
    assert {end for line in kept for end in (line.head, line.tail)} == {
        end for line in lines for end in (line.head, line.tail)
    }


def test_the_neighbourhood_begins_with_its_centre(connection):
    picture = browse.around(connection, HOLT_ID, limit=10)
    assert picture.entities[0].id == HOLT_ID
    assert {e.name for e in picture.entities} == {"Maren Holt", "Ardvik", "Northlight Labs"}


def test_what_is_gone_is_told(connection):
    for call in (browse.document_view, browse.chunk_detail):
        with pytest.raises(StoreError, match="no such"):
            call(connection, "nothing")
    with pytest.raises(StoreError, match="no such document"):
        browse.text_between(connection, "nothing", 0, 5)
