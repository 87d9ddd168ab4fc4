"""The Cypher page: parameters, results as table and CSV, refusals, a store that is away."""

import csv
import datetime
import io
import json

import pytest

from graph_schema import load_ontology
from kgbuilder import pipeline
from kgbuilder.errors import ParseError, QueryRefused, StoreError
from kgbuilder.stores import Node, QueryResult, Relationship
from tests.ui.filled import html_of
from ui.names import Names
from ui.pages.cypher import csv_text, examples, parse_parameters, plain


class Graph:
    """A store that answers, or fails, as a test wants it."""

    def close(self) -> None:
        """Let go."""

    def __init__(self, answer: QueryResult | StoreError) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, object], int, float]] = []

    def read(self, cypher, parameters=None, *, max_rows, timeout_s) -> QueryResult:
        self.asked.append((cypher, parameters, max_rows, timeout_s))
        if isinstance(self.answer, StoreError):
            raise self.answer
        return self.answer


def result(*rows: tuple[object, ...], keys: tuple[str, ...] = ("name", "n"), truncated: bool = False) -> QueryResult:
    return QueryResult(keys=keys, rows=rows, truncated=truncated, elapsed_s=0.012)


@pytest.fixture
def graph(monkeypatch):
    def use(answer: QueryResult | StoreError) -> Graph:
        made = Graph(answer)
        monkeypatch.setattr(pipeline, "open_store", lambda *_, **__: made)
        return made

    return use


def run(app, cypher: str = "MATCH (n) RETURN n.name AS name, 1 AS n", parameters: str = "{}"):
    app.text_area(key="cypher-query").set_value(cypher)
    app.text_area(key="cypher-parameters").set_value(parameters)
    return app.button(key="cypher-run").click().run()


def test_a_result_is_a_table_with_its_rows_and_time(draw, sample, graph):
    store = graph(result(("Ada", 2), ("茶", 1)))
    app = run(draw(sample, "cypher"), "RETURN $who", '{"who": "Ada"}')
    assert store.asked == [("RETURN $who", {"who": "Ada"}, 1000, 15.0)]
    assert app.dataframe[0].value.to_dict("list") == {"name": ["Ada", "茶"], "n": [2, 1]}
    assert "2 rows in 12 ms" in html_of(app)


def test_a_cut_result_says_so(draw, sample, graph):
    graph(result(("Ada", 2), truncated=True))
    assert "Only the first 1 rows are shown" in html_of(run(draw(sample, "cypher")))


def test_a_result_without_rows_says_so(draw, sample, graph):
    graph(result())
    assert "No rows" in html_of(run(draw(sample, "cypher")))


def test_a_refusal_is_told_with_its_reason(draw, sample, graph):
    graph(QueryRefused("DELETE is not allowed", remedy="only reading is possible here"))
    markup = html_of(run(draw(sample, "cypher"), "MATCH (n) DELETE n"))
    for part in ("This query was refused", "DELETE is not allowed", "only reading is possible here"):
        assert part in markup


def test_a_store_that_is_away_is_told_and_found_again(draw, sample, graph):
    graph(StoreError("the graph server does not answer", where="bolt://127.0.0.1:7687", remedy="start it"))
    app = run(draw(sample, "cypher"))
    for part in ("The graph store cannot be reached", "bolt://127.0.0.1:7687", "start it"):
        assert part in html_of(app)
    graph(result(("Ada", 2)))
    assert run(app).dataframe[0].value.to_dict("list") == {"name": ["Ada"], "n": [2]}


@pytest.mark.parametrize("text", ["{", "[1]", "1", '{"a": }', "nothing"])
def test_parameters_that_are_no_object_are_told(draw, sample, graph, text):
    store = graph(result())
    assert "The parameters are no JSON object" in html_of(run(draw(sample, "cypher"), parameters=text))
    assert store.asked == []


def test_parameters_are_read(monkeypatch):
    assert parse_parameters("  ") == {}
    assert parse_parameters('{"text": "茶", "n": [1, null]}') == {"text": "茶", "n": [1, None]}
    with pytest.raises(ParseError):
        parse_parameters("[")


def test_an_example_fills_the_fields(draw, sample, graph):
    app = draw(sample, "cypher")
    app.selectbox(key="cypher-example").set_value("search").run()
    assert "CONTAINS $text" in app.text_area(key="cypher-query").value
    assert json.loads(app.text_area(key="cypher-parameters").value) == {"text": "a"}


@pytest.mark.parametrize("name", ["general", "open"])
def test_examples_read_only_and_have_parameters_that_are_json(name):
    from kgbuilder.stores.readonly import check_read_only

    for example in examples(Names(ontology=load_ontology(name), language="en")):
        check_read_only(example.cypher)
        json.loads(example.parameters)


def test_values_of_a_graph_become_plain():
    node = Node(id="1", labels=("Entity", "Person"), properties={"name": "Ada\u202e", "at": datetime.date(2024, 1, 2)})
    relation = Relationship(id="2", type="SPOUSE", head="1", tail="3", properties={})
    made = plain([node, relation, None, True, 1.5, {"a": ("x",)}, b"\x00"])
    json.dumps(made)
    assert made[0] == {
        "id": "1",
        "labels": ["Entity", "Person"],
        "properties": {"name": "Ada‹202E›", "at": "2024-01-02"},
    }
    assert made[2:6] == [None, True, 1.5, {"a": ["x"]}]


def test_columns_of_several_kinds_are_shown_as_text(draw, sample, graph):
    graph(result(("Ada", 1), ("Bo", "two"), ("Cy", None), ("Di", [1])))
    assert run(draw(sample, "cypher")).dataframe[0].value.to_dict("list")["n"] == ["1", "two", None, "[1]"]


def test_a_result_with_two_columns_of_one_name_keeps_both(draw, sample, graph):
    graph(result((1, 2), keys=("n", "n")))
    assert run(draw(sample, "cypher")).dataframe[0].value.to_dict("list") == {"n 1": [1], "n 2": [2]}


def test_csv_holds_everything_and_nothing_a_spreadsheet_would_run():
    text = csv_text(result(("=HYPERLINK(1)", 1), ('a,"b"\nc', -2), ("+1", [1, "x"])))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [["name", "n"], ["'=HYPERLINK(1)", "1"], ['a,"b"\nc', "-2"], ["'+1", '[1, "x"]']]
