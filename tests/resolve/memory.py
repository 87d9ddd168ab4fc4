"""A ledger in memory: documents come and go one by one, and only what hangs together with them is resolved again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kgbuilder.normalize import name_key
from kgbuilder.records import Mention
from kgbuilder.resolve import Constraint, Link, Node, Resolver, block_keys, compare, declarations, in_document, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What one document states about names."""

    nodes: Mapping[str, str]
    """Node id by mention id, short forms already with their long form."""
    declared: tuple[tuple[str, str], ...]
    known: tuple[Node, ...]


def state(text: str, mentions: Iterable[Mention], variants: Mapping[tuple[str, str], str] | None = None) -> Stated:
    """Name the nodes of a document. `variants` maps (document id, name) to a variant where a person has split."""
    nodes: dict[str, Node] = {}
    placed = []
    for mention in mentions:
        variant = (variants or {}).get((mention.document_id, mention.text), "")
        node = Node.of(mention.label, name_key(mention.text, mention.label), variant)
        nodes[node.id] = node
        placed.append((mention, node.id))
    declared = declarations(text, placed)
    belongs = in_document(declared)
    by_mention = {mention.id: belongs.get(node, node) for mention, node in placed}
    used = set(by_mention.values())
    return Stated(nodes=by_mention, declared=declared, known=tuple(n for n in nodes.values() if n.id in used))


@dataclass(slots=True)
class Memory:
    """Entities by node, kept true after each change by resolving only the part that the change touches."""

    resolver: Resolver = field(default_factory=Resolver)
    constraints: list[Constraint] = field(default_factory=list)
    stated: dict[str, Stated] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    n_compared: int = 0
    n_resolved: int = 0
    _uses: Counter[str] = field(default_factory=Counter)
    _blocks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _links: dict[str, dict[str, Link]] = field(default_factory=lambda: defaultdict(dict))
    _declared: Counter[tuple[str, str]] = field(default_factory=Counter)
    _pairs: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def add(self, document_id: str, text: str, mentions: Sequence[Mention]) -> None:
        """Take a document."""
        new = state(text, mentions)
        self.stated[document_id] = new
        fresh = [node for node in new.known if not self._uses[node.id]]
        self._uses.update(new.nodes.values())
        for node in fresh:
            self._enter(node)
        for pair in new.declared:
            self._declared[pair] += 1
            for side in pair:
                self._pairs[side].add(pair)
        self._resolve({node.id for node in fresh} | {side for pair in new.declared for side in pair})

    def remove(self, document_id: str) -> None:
        """Take a document away."""
        old = self.stated.pop(document_id)
        touched = {side for pair in old.declared for side in pair} | set(old.nodes.values())
        touched |= self._neighbours(touched)
        self._uses.subtract(old.nodes.values())
        for pair in old.declared:
            self._declared[pair] -= 1
            if not self._declared[pair]:
                for side in pair:
                    self._pairs[side].discard(pair)
        for node in {node for node in old.nodes.values() if not self._uses[node]}:
            self._leave(node)
        self._resolve(touched)

    def decide(self, a: str, b: str, *, together: bool) -> None:
        """Take a person's decision about two nodes."""
        self.constraints.append(Constraint(a=a, b=b, together=together))
        self._resolve({a, b})

    def entity_of(self, document_id: str) -> dict[str, str]:
        """Return the entity of each mention of a document."""
        return {mention: self.entities[node] for mention, node in self.stated[document_id].nodes.items()}

    def at_once(self) -> dict[str, str]:
        """Compute the entities of all nodes from nothing but the documents and decisions, comparing all with all."""
        nodes = {node.id: node for stated in self.stated.values() for node in stated.known}
        ordered = sorted(nodes.values(), key=lambda node: node.id)
        keys = {node.id: set(block_keys(node)) for node in ordered}
        links = [
            Link(a=a.id, b=b.id, score=found.score)
            for n, a in enumerate(ordered)
            for b in ordered[n + 1 :]
            if keys[a.id] & keys[b.id] and (found := compare(a, b)).score >= self.resolver.merge_score
        ]
        declared = {pair for stated in self.stated.values() for pair in stated.declared}
        return dict(resolve(ordered, links, declared, self.constraints).entities)

    def _enter(self, node: Node) -> None:
        self.nodes[node.id] = node
        near = {other for key in self.resolver.block_keys(node.label, node.key) for other in self._blocks[key]}
        for key in self.resolver.block_keys(node.label, node.key):
            self._blocks[key].add(node.id)
        for other in near:
            self.n_compared += 1
            found = self.resolver.compare(node.label, node.key, self.nodes[other].label, self.nodes[other].key)
            if found:
                link = Link(a=node.id, b=other, score=found.score, reason=found.reason)
                self._links[node.id][other] = self._links[other][node.id] = link

    def _leave(self, node_id_: str) -> None:
        node = self.nodes.pop(node_id_)
        self.entities.pop(node_id_, None)
        for key in self.resolver.block_keys(node.label, node.key):
            self._blocks[key].discard(node_id_)
        for other in self._links.pop(node_id_, {}):
            self._links[other].pop(node_id_)

    def _neighbours(self, nodes: Iterable[str]) -> set[str]:
        """Return what hangs directly together with nodes: by links, declarations, decisions, or a common entity."""
        wanted = set(nodes)
        near = {o for n in wanted for o, link in self._links[n].items() if link.score >= self.resolver.merge_score}
        near |= {side for n in wanted for pair in self._pairs[n] for side in pair}
        near |= {side for c in self.constraints if c.a in wanted or c.b in wanted for side in (c.a, c.b)}
        return near

    def _resolve(self, seeds: Iterable[str]) -> None:
        part: set[str] = set()
        frontier = set(seeds)
        while frontier:
            part |= frontier
            frontier = self._neighbours(frontier) - part
        nodes = {n: (self.nodes[n].label, self.nodes[n].key, self.nodes[n].variant) for n in part if n in self.nodes}
        self.n_resolved += len(nodes)
        links = {
            (min(link.a, link.b), max(link.a, link.b)): link.score for n in nodes for link in self._links[n].values()
        }
        self.entities.update(
            self.resolver.entities(
                nodes,
                [(a, b, score) for (a, b), score in links.items()],
                {pair for n in part for pair in self._pairs[n]},
                [(c.a, c.b, c.together) for c in self.constraints if c.a in part or c.b in part],
            )
        )
