"""What every graph store reads: lists for the export, names, and people's queries."""

import dataclasses
import itertools
import json

import pytest

from kgbuilder.errors import QueryRefused
from kgbuilder.ids import content_id
from kgbuilder.stores import GraphBatch, GraphPath, GraphStore, Node, Relationship
from tests.contract.rows import entity, fact, small_batch

NAMES = {
    "huawei": ("华为技术有限公司", "华为 Huawei Technologies"),
    "casia": ("中国科学院自动化研究所", "自动化研究所 CASIA"),
    "zhang": ("张三", "zhangsan"),
    "zhang_feng": ("张三丰", "zhangsanfeng"),
    "tsinghua": ("清华大学", "Tsinghua University"),
    "smith": ("Ann Smith", ""),
    "schmidt": ("Anna Schmidt", ""),
    "plus": ("C++ (标准)", ""),
    "toyota": ("トヨタ自動車", ""),
    "seoul": ("서울대학교", ""),
    "beijing": ("北京", "京"),
}


@pytest.fixture
def named(store: GraphStore) -> GraphStore:
    rows = [entity(id_, name, search=f"{name} {rest}".strip()) for id_, (name, rest) in NAMES.items()]
    store.write(GraphBatch(entities=tuple(rows)))
    return store


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("华为", "huawei"),
        ("Huawei", "huawei"),
        ("huaw", "huawei"),
        ("自动化研究", "casia"),
        ("张三丰", "zhang_feng"),
        ("清华", "tsinghua"),
        ("tsinghua univ", "tsinghua"),
        ("SMITH", "smith"),
        ("mith", "smith"),
        ("ann smith", "smith"),
        ("トヨタ", "toyota"),
        ("서울", "seoul"),
        ("京", "beijing"),
        ("丰", "zhang_feng"),
        ("C++", "plus"),
        ("  华为  ", "huawei"),
    ],
)
def test_a_name_is_found(named: GraphStore, text: str, first: str):
    assert [row.id for row in named.search(text)][:1] == [first]


def test_names_come_in_one_order(named: GraphStore):
    assert [row.id for row in named.search("张三")] == ["zhang", "zhang_feng"]
    assert [row.id for row in named.search("ann")] == ["smith", "schmidt"]
    assert len(named.search("张", limit=1)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '"',
        "\\",
        "a:b AND (",
        '+ - && || ! ( ) { } [ ] ^ " ~ * ? : \\ /',
        "'); DROP",
        "\ud800",
        "x" * 5000,
        "AND OR",
    ],
)
def test_nothing_a_person_types_breaks_the_search(named: GraphStore, text: str):
    assert named.search(text) == ()


def test_a_changed_name_is_found_by_the_new_one_only(named: GraphStore):
    named.write(
        GraphBatch(entities=(entity("huawei", "中兴通讯", search="中兴通讯 ZTE"),), removed_entities=("smith",))
    )
    assert named.search("Huawei") == ()
    assert [row.id for row in named.search("ZTE")] == ["huawei"]
    assert named.search("smith") == ()


def test_a_search_on_an_empty_graph_finds_nothing(store: GraphStore):
    assert store.search("华为") == ()


def test_lists_come_by_id_page_by_page(store: GraphStore, monkeypatch: pytest.MonkeyPatch):
    ids = [content_id("entity", n) for n in range(400)]
    monkeypatch.setattr("kgbuilder.stores.graph._PAGE_ROWS", 30)
    store.write(
        GraphBatch(
            entities=tuple(entity(id_) for id_ in reversed(ids)),
            facts=tuple(fact(a, "KNOWS", b, id=content_id("fact", a, b)) for a, b in itertools.pairwise(ids)),
        )
    )
    pages: list[str] = []
    store._on_statement = lambda name, _: pages.append(name)
    try:
        assert [row.id for row in store.entities()] == sorted(ids)
        assert [row.id for row in store.facts()] == sorted(content_id("fact", a, b) for a, b in itertools.pairwise(ids))
    finally:
        store._on_statement = None
    assert pages.count("list_entities") == 16
    assert pages.count("list_facts") == 16


def test_a_list_can_be_left_in_the_middle(store: GraphStore):
    store.write(small_batch())
    assert next(store.facts()).id == "e1-FOUNDED-e2"
    assert next(store.entities()).id == "e1"
    assert store.counts().facts == 2


def test_values_of_a_result_are_records_that_json_can_hold(store: GraphStore):
    store.write(small_batch())
    result = store.read(
        "MATCH path = (a:Person)-[r:FOUNDED]->(b) "
        "RETURN a, r, path, [1, 2.5, null, true] AS list, {a: {b: 'c'}} AS map, date('2020-02-29') AS day, "
        "$given AS given",
        {"given": ["张三", 1]},
    )
    assert result.keys == ("a", "r", "path", "list", "map", "day", "given")
    node, relationship, path, list_, map_, day, given = result.rows[0]
    assert isinstance(node, Node)
    assert set(node.labels) == {"Entity", "Person"}
    assert node.properties["aliases"] == ["小张", "Zhang San"]
    assert isinstance(relationship, Relationship)
    assert (relationship.type, relationship.head) == ("FOUNDED", node.id)
    assert isinstance(path, GraphPath)
    assert [n.properties["id"] for n in path.nodes] == ["e1", "e2"]
    assert (list_, map_, day, given) == ([1, 2.5, None, True], {"a": {"b": "c"}}, "2020-02-29", ["张三", 1])
    json.dumps([dataclasses.asdict(v) if dataclasses.is_dataclass(v) else v for v in result.rows[0]])
    assert not result.truncated
    assert result.elapsed_s > 0


def test_more_rows_than_asked_for_are_cut_and_said_so(store: GraphStore):
    store.write(GraphBatch(entities=tuple(entity(f"e{i}") for i in range(30))))
    result = store.read("MATCH (a:Entity), (b:Entity), (c:Entity) RETURN a.id, b.id, c.id", max_rows=7)
    assert len(result.rows) == 7
    assert result.truncated
    exact = store.read("MATCH (a:Entity) RETURN a.id", max_rows=30)
    assert (len(exact.rows), exact.truncated) == (30, False)


@pytest.mark.parametrize(
    "query", ["MATCH (n) RETURN m", "MATCH (n RETURN n", "RETURN $missing", "RETURN no_such_function(1)"]
)
def test_a_wrong_query_is_refused_with_the_servers_reason(store: GraphStore, query: str):
    with pytest.raises(QueryRefused) as refused:
        store.read(query)
    assert len(refused.value.what) > 20
    assert refused.value.remedy
    assert store.read("RETURN 1").rows == ((1,),)
