"""What the shape of the graph says: components, centrality, hubs, homonyms, and facts that cannot all be true."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import networkx as nx

from graph_schema import Ontology
from kgbuilder.errors import StoreError
from kgbuilder.normalize import value

if TYPE_CHECKING:
    FactGraph = nx.MultiDiGraph[str]
    """Nodes are entity ids with `label` and `name`; edges are keyed by fact id, with `relation`, `score`, `status`."""

__all__ = [
    "Centrality",
    "Contradiction",
    "EntityRecord",
    "FactRecord",
    "Hub",
    "SameName",
    "Summary",
    "build_graph",
    "centrality",
    "components",
    "contradictions",
    "hubs",
    "same_names",
    "summarize",
    "to_graphml",
]

INACTIVE = frozenset({"rejected", "retired"})
"""A fact in one of these states is no longer claimed, so it shapes nothing."""

IN_ORDER = (("date_of_birth", "date_of_death"), ("inception", "dissolved"))
"""Pairs of relations whose first date cannot be later than the second."""

HIERARCHIES = (("child_of",), ("is_a",), ("located_in", "part_of"))
"""Relations that, in any mixture within a group and however many steps away, lead nothing back to itself."""

WITHIN = ("capital_of", "located_in", "part_of")
"""Relations that make two places compatible: born in Hangzhou and born in Zhejiang is one statement, twice."""

BETWEENNESS_STEPS = 1_500_000
"""Edges walked before betweenness is sampled: a few seconds."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ISO_DATE = re.compile(r"(-?[0-9]{2,}[0-9X]{0,2})(?:-([0-9]{2}|[QH][1-4]))?(?:-([0-9]{2}))?(?:T.*)?")


class EntityRecord(Protocol):
    """What the analysis needs to know of an entity; `label` is the ontology's id or the graph's label."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def name(self) -> str: ...


class FactRecord(Protocol):
    """What the analysis needs to know of a fact; `head` and `tail` are entity ids."""

    @property
    def id(self) -> str: ...
    @property
    def head(self) -> str: ...
    @property
    def relation(self) -> str: ...
    @property
    def tail(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Centrality:
    """How central an entity is: facts that touch it, share of shortest paths through it, PageRank."""

    id: str
    degree: int
    betweenness: float
    pagerank: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """An entity that very many facts touch."""

    id: str
    label: str
    name: str
    n_facts: int
    n_neighbours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SameName:
    """Entities of different labels that share a name: homonyms, or one thing labelled in two ways."""

    name: str
    entities: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Facts that cannot all be true.

    `entities` are, by kind: the head and its tails; the head and its two dates; the members of the cycle in order.
    """

    kind: Literal["tails", "order", "cycle"]
    relations: tuple[str, ...]
    entities: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The graph in a few numbers; `labels` and `relations` are counted, most frequent first.

    `n_dangling` counts facts whose head or tail is not among the entities.
    """

    n_entities: int
    n_facts: int
    n_dangling: int
    n_components: int
    n_largest: int
    n_isolated: int
    labels: tuple[tuple[str, int], ...]
    relations: tuple[tuple[str, int], ...]
    hubs: tuple[Hub, ...]
    same_names: tuple[SameName, ...]
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    head: str
    tail: str
    fact: str
    relation: str


_Edges = Mapping[str, Sequence[_Edge]]


def build_graph(
    entities: Iterable[EntityRecord], facts: Iterable[FactRecord], *, inactive: frozenset[str] = INACTIVE
) -> "FactGraph":
    """Build the graph of `facts` between `entities`, leaving out facts in an `inactive` state.

    A fact that names an unknown entity is left out and counted in `graph.graph["n_dangling"]`.
    """
    graph: FactGraph = nx.MultiDiGraph(n_dangling=0)
    for entity in entities:
        graph.add_node(entity.id, label=entity.label, name=entity.name)
    for fact in facts:
        if fact.status in inactive:
            continue
        if fact.head not in graph or fact.tail not in graph:
            graph.graph["n_dangling"] += 1
            continue
        graph.add_edge(fact.head, fact.tail, key=fact.id, relation=fact.relation, score=fact.score, status=fact.status)
    return graph


def components(graph: "FactGraph") -> tuple[tuple[str, ...], ...]:
    """Return the ids of each weakly connected component, sorted; the largest component first."""
    found = (tuple(sorted(ids)) for ids in nx.weakly_connected_components(graph))
    return tuple(sorted(found, key=lambda ids: (-len(ids), ids)))


def centrality(graph: "FactGraph", *, max_steps: int = BETWEENNESS_STEPS, seed: int = 0) -> tuple[Centrality, ...]:
    """Return the centrality of every entity, the highest PageRank first.

    Betweenness is exact while that walks at most `max_steps` edges; above, it is estimated from a random sample of
    the entities drawn with `seed`. Directions and parallel facts do not count for it.
    """
    between = _betweenness(graph, max_steps=max_steps, seed=seed)
    rank = _pagerank(graph)
    rows = (
        Centrality(id=node, degree=degree, betweenness=between[node], pagerank=rank[node])
        for node, degree in graph.degree()
    )
    return tuple(sorted(rows, key=lambda row: (-row.pagerank, row.id)))


def hubs(graph: "FactGraph", *, n_hubs: int = 10) -> tuple[Hub, ...]:
    """Return the `n_hubs` entities that most facts touch, most first; isolated entities are never hubs."""
    ranked = sorted(((degree, node) for node, degree in graph.degree() if degree), key=lambda row: (-row[0], row[1]))
    return tuple(
        Hub(
            id=node,
            label=graph.nodes[node]["label"],
            name=graph.nodes[node]["name"],
            n_facts=degree,
            n_neighbours=len({*graph.successors(node), *graph.predecessors(node)} - {node}),
        )
        for degree, node in ranked[:n_hubs]
    )


def same_names(graph: "FactGraph") -> tuple[SameName, ...]:
    """Return the names that entities of different labels share, whatever their case and width, sorted by name."""
    groups: dict[str, list[str]] = defaultdict(list)
    for node, data in graph.nodes(data=True):
        groups[unicodedata.normalize("NFKC", data["name"]).casefold().strip()].append(node)
    found = []
    for nodes in groups.values():
        labels = {graph.nodes[node]["label"] for node in nodes}
        if len(labels) > 1:
            ids = tuple(sorted(nodes))
            found.append(SameName(name=graph.nodes[ids[0]]["name"], entities=ids, labels=tuple(sorted(labels))))
    return tuple(sorted(found, key=lambda group: (group.name, group.entities)))


def contradictions(graph: "FactGraph", ontology: Ontology) -> tuple[Contradiction, ...]:
    """Return the facts that cannot all be true, in a fixed order.

    Three kinds: "tails", a relation that has at most one tail has several that do not agree (a year agrees with a day
    in it, a province with a city in it); "order", a death before the birth; "cycle", a place within itself.
    """
    edges = _edges_by_relation(graph, ontology)
    found = [*_too_many_tails(graph, ontology, edges), *_wrong_order(graph, ontology, edges), *_cycles(edges)]
    return tuple(sorted(found, key=lambda c: (c.kind, c.relations, c.entities, c.facts)))


def summarize(graph: "FactGraph", ontology: Ontology, *, n_hubs: int = 5) -> Summary:
    """Return the graph in a few numbers, with its hubs, homonyms and contradictions."""
    sizes = sorted((len(ids) for ids in nx.weakly_connected_components(graph)), reverse=True)
    return Summary(
        n_entities=graph.number_of_nodes(),
        n_facts=graph.number_of_edges(),
        n_dangling=graph.graph.get("n_dangling", 0),
        n_components=len(sizes),
        n_largest=sizes[0] if sizes else 0,
        n_isolated=nx.number_of_isolates(graph),
        labels=_ranked(data["label"] for _, data in graph.nodes(data=True)),
        relations=_ranked(data["relation"] for _, _, data in graph.edges(data=True)),
        hubs=hubs(graph, n_hubs=n_hubs),
        same_names=same_names(graph),
        contradictions=contradictions(graph, ontology),
    )


def to_graphml(graph: "FactGraph", path: Path) -> None:
    """Write the graph as GraphML; characters that XML cannot hold become U+FFFD.

    The file appears whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        nx.write_graphml(_xml_safe(graph), partial, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write the GraphML file: {error.strerror or error}",
            where=str(path),
            remedy="choose a folder that exists, that you may write to, and that has room",
        ) from error


def _betweenness(graph: "FactGraph", *, max_steps: int, seed: int) -> dict[str, float]:
    plain: nx.Graph[str] = nx.Graph()
    plain.add_nodes_from(sorted(graph))
    plain.add_edges_from(sorted(graph.edges()))
    n_nodes = plain.number_of_nodes()
    n_sources = max(4, max_steps // max(1, n_nodes + plain.number_of_edges()))
    return dict(nx.betweenness_centrality(plain, k=n_sources if n_sources < n_nodes else None, seed=seed))


def _pagerank(
    graph: "FactGraph", *, damping: float = 0.85, tolerance: float = 1e-6, max_rounds: int = 100
) -> dict[str, float]:
    """Compute PageRank by power iteration: networkx's own needs scipy, which the core does not.

    Source: Page et al. 1999; entities without outgoing facts share their rank with all.
    """
    nodes = sorted(graph)
    if not nodes:
        return {}
    place = {node: index for index, node in enumerate(nodes)}
    edges = sorted((place[head], place[tail]) for head, tail in graph.edges())
    n_out = Counter(head for head, _ in edges)
    dead_ends = [index for index in range(len(nodes)) if index not in n_out]
    rank = [1 / len(nodes)] * len(nodes)
    for _ in range(max_rounds):
        base = (1 - damping + damping * sum(rank[index] for index in dead_ends)) / len(nodes)
        share = [damping * rank[index] / n_out[index] if index in n_out else 0.0 for index in range(len(nodes))]
        new = [base] * len(nodes)
        for head, tail in edges:
            new[tail] += share[head]
        moved = sum(abs(a - b) for a, b in zip(new, rank, strict=True))
        rank = new
        if moved < tolerance * len(nodes):
            break
    return dict(zip(nodes, rank, strict=True))


def _edges_by_relation(graph: "FactGraph", ontology: Ontology) -> dict[str, list[_Edge]]:
    ids: dict[str, str] = {}
    edges: dict[str, list[_Edge]] = defaultdict(list)
    for head, tail, fact, data in graph.edges(keys=True, data=True):
        relation = data["relation"]
        if relation not in ids:
            known = ontology.relation_type(relation)
            ids[relation] = known.id if known else relation
        edges[ids[relation]].append(_Edge(head=head, tail=tail, fact=fact, relation=ids[relation]))
    return edges


def _too_many_tails(graph: "FactGraph", ontology: Ontology, edges: _Edges) -> Iterator[Contradiction]:
    wider = _simple_graph(_joined(edges, WITHIN))
    for relation, group in edges.items():
        known = ontology.relation_type(relation)
        if known is None or not known.functional:
            continue
        for head, own in _by_head(group).items():
            tails = sorted({edge.tail for edge in own})
            odd = [tail for tail in tails if not all(_agree(graph, ontology, wider, tail, other) for other in tails)]
            if odd:
                facts = tuple(sorted(edge.fact for edge in own if edge.tail in odd))
                yield Contradiction(kind="tails", relations=(relation,), entities=(head, *odd), facts=facts)


def _agree(graph: "FactGraph", ontology: Ontology, wider: "nx.DiGraph[str]", one: str, other: str) -> bool:
    """Say whether both can be the one tail: the same, dates that overlap, or places one within the other."""
    if one == other:
        return True
    if _is_value(graph, ontology, one) and _is_value(graph, ontology, other):
        a, b = _days(graph, ontology, one), _days(graph, ontology, other)
        # What cannot be read as a date (光绪年间) cannot be held against one.
        return a is None or b is None or (a[0] <= b[1] and b[0] <= a[1])
    if one not in wider or other not in wider:
        return False
    return nx.has_path(wider, one, other) or nx.has_path(wider, other, one)


def _wrong_order(graph: "FactGraph", ontology: Ontology, edges: _Edges) -> Iterator[Contradiction]:
    for first, second in IN_ORDER:
        later = _by_head(edges.get(second, ()))
        for head, own in _by_head(edges.get(first, ())).items():
            for a, b in ((a, b) for a in own for b in later.get(head, ())):
                start, end = _days(graph, ontology, a.tail), _days(graph, ontology, b.tail)
                if start and end and start[0] > end[1]:
                    entities = (head, a.tail, b.tail)
                    yield Contradiction(
                        kind="order", relations=(first, second), entities=entities, facts=(a.fact, b.fact)
                    )


def _cycles(edges: _Edges) -> Iterator[Contradiction]:
    """Yield one cycle for each knot of entities that all reach each other."""
    for relations in HIERARCHIES:
        for knot in _knots(_joined(edges, relations)):
            pairs = nx.find_cycle(knot, source=min(knot))
            start = min(range(len(pairs)), key=lambda index: pairs[index][0])
            walked = [knot.edges[pair] for pair in pairs[start:] + pairs[:start]]
            yield Contradiction(
                kind="cycle",
                relations=tuple(sorted({data["relation"] for data in walked})),
                entities=tuple(head for head, _ in pairs[start:] + pairs[:start]),
                facts=tuple(data["fact"] for data in walked),
            )


def _knots(edges: Sequence[_Edge]) -> Iterator["nx.DiGraph[str]"]:
    """Yield the subgraphs in which every entity reaches every other, and itself, by one edge or more."""
    knot_of = {}
    for number, ids in enumerate(nx.strongly_connected_components(_simple_graph(edges))):
        knot_of.update(dict.fromkeys(ids, number))
    inside: dict[int, list[_Edge]] = defaultdict(list)
    for edge in edges:
        if knot_of[edge.head] == knot_of[edge.tail]:
            inside[knot_of[edge.head]].append(edge)
    for group in inside.values():
        yield _simple_graph(group)


def _simple_graph(edges: Sequence[_Edge]) -> "nx.DiGraph[str]":
    """Build a graph whose order, and so every walk over it, does not depend on the order of the facts."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in sorted(edges, key=lambda e: (e.head, e.tail, e.fact)):
        graph.add_edge(edge.head, edge.tail, fact=edge.fact, relation=edge.relation)
    return graph


def _joined(edges: _Edges, relations: Iterable[str]) -> list[_Edge]:
    return [edge for relation in relations for edge in edges.get(relation, ())]


def _by_head(edges: Sequence[_Edge]) -> dict[str, list[_Edge]]:
    groups: dict[str, list[_Edge]] = defaultdict(list)
    for edge in edges:
        groups[edge.head].append(edge)
    return groups


def _is_value(graph: "FactGraph", ontology: Ontology, node: str) -> bool:
    known = ontology.entity_type(graph.nodes[node]["label"])
    return known is not None and known.value


def _days(graph: "FactGraph", ontology: Ontology, node: str) -> tuple[int, int] | None:
    """Return the first and the last day that the name of a date may mean, as numbers that only compare."""
    known = ontology.entity_type(graph.nodes[node]["label"])
    typed = value(graph.nodes[node]["name"], known.id) if known else None
    return _iso_days(typed.canonical) if typed and typed.kind == "date" else None


def _iso_days(iso: str) -> tuple[int, int] | None:
    """Return the first and last day of an ISO 8601-2 date, None for a time of day or a day of any year."""
    start, _, end = iso.partition("/")
    first, last = _ISO_DATE.fullmatch(start), _ISO_DATE.fullmatch(end or start)
    return (_day(first, last=False), _day(last, last=True)) if first and last else None


def _day(date: re.Match[str], *, last: bool) -> int:
    """Number the first or last day of a date: an X digit is open, a quarter, half or season counts as its year."""
    year, month, day = date.groups()
    month_number = int(month) if month and month.isdigit() and int(month) <= 12 else 12 if last else 1
    day_number = int(day) if day and day.isdigit() else 31 if last else 1
    outward = last != year.startswith("-")
    return (int(year.replace("X", "9" if outward else "0")) * 12 + month_number) * 31 + day_number


def _ranked(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _xml_safe(graph: "FactGraph") -> "FactGraph":
    safe: FactGraph = nx.MultiDiGraph()
    for node, data in graph.nodes(data=True):
        safe.add_node(_xml_text(node), **{key: _xml_value(item) for key, item in data.items()})
    for head, tail, fact, data in graph.edges(keys=True, data=True):
        values = {key: _xml_value(item) for key, item in data.items()}
        safe.add_edge(_xml_text(head), _xml_text(tail), key=_xml_text(fact), **values)
    return safe


def _xml_value(item: object) -> str | int | float:
    return item if isinstance(item, int | float) else _xml_text(str(item))


def _xml_text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
