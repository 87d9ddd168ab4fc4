"""What stands in a workspace, told to a person or a program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from kgbuilder.analyze import Contradiction, Summary, build_graph, centrality, summarize
from kgbuilder.config import Workspace
from kgbuilder.ledger import views
from kgbuilder.pipeline import open_ledger, open_ontology
from kgbuilder.review import CORRECTION_KINDS

__all__ = ["StatusReport", "as_lines", "corrections", "details", "report"]

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Counts, losses with their remedies, documents when asked, and the graph as a whole when asked."""

    counts: views.Counts
    losses: Sequence[Mapping[str, object]]
    reasons: Mapping[str, int]
    unreadable: Sequence[Mapping[str, str]]
    documents: Sequence[views.DocumentView] | None
    analysis: Summary | None
    central: Sequence[Mapping[str, object]]
    names: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values: the counts at the top level."""
        found: dict[str, object] = {
            **asdict(self.counts),
            "losses": self.losses,
            "quarantine_reasons": self.reasons,
            "unreadable_sources": self.unreadable,
        }
        if self.documents is not None:
            found["documents_list"] = [asdict(d) for d in self.documents]
        if self.analysis is not None:
            found["analysis"] = {**asdict(self.analysis), "central": self.central}
        return found

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        counts = self.counts
        yield f"documents    {counts.documents}" + (
            f", {counts.unreadable} could not be read" if counts.unreadable else ""
        )
        chunks = ", ".join(f"{n} {state}" for state, n in counts.chunks.items() if n and state != "total")
        yield f"chunks       {counts.chunks['total']}" + (f": {chunks}" if chunks else "")
        yield f"entities     {counts.entities}"
        yield f"facts        {counts.facts}, with {counts.evidence} pieces of evidence"
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.reasons.items())
        yield f"quarantined  {counts.quarantined}" + (f" claims: {reasons}" if reasons else "")
        for loss in self.losses:
            yield f"  {loss['n']} chunks {loss['state']}: {loss['what'] or loss['kind']} ({loss['remedy']})"
        for source in self.unreadable:
            yield f"  not read: {source['where'] or source['source']}: {source['what']} ({source['remedy']})"
        yield from self._document_lines()
        yield from self._analysis_lines()

    def _document_lines(self) -> Iterator[str]:
        for d in self.documents or ():
            states = ", ".join(f"{n} {state}" for state, n in sorted(d.chunks.items()))
            yield f"{d.id}  {d.language}  {d.n_chars} characters  {d.n_facts} triples  {states}  {', '.join(d.sources)}"

    def _analysis_lines(self) -> Iterator[str]:
        if self.analysis is None or not self.analysis.n_entities:
            return
        found = self.analysis
        yield (
            f"the graph    {found.n_components} components, the largest of {found.n_largest} entities; "
            f"{found.n_isolated} isolated"
        )
        if self.central:
            yield "central      " + ", ".join(str(c["name"]) for c in self.central)
        for group in found.same_names[:_SHOWN]:
            yield f"  same name, different type: {group.name} ({', '.join(group.labels)})"
        for contradiction in found.contradictions[:_SHOWN]:
            yield f"  contradiction: {self._told(contradiction)}"
        if len(found.contradictions) > _SHOWN:
            yield f"  and {len(found.contradictions) - _SHOWN} contradictions more: --json lists all"

    def _told(self, contradiction: Contradiction) -> str:
        names = [self.names.get(entity, entity) for entity in contradiction.entities]
        relations = ", ".join(contradiction.relations)
        if contradiction.kind == "cycle":
            return f"{relations} goes round: {' - '.join(names)}"
        return f"{names[0]} {relations} {' and '.join(names[1:])}"


def report(workspace: Workspace, *, documents: bool = False, analysis: bool = True) -> StatusReport:
    """Collect what stands in a workspace; `analysis` reads every fact."""
    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        summary: Summary | None = None
        central: list[dict[str, object]] = []
        names: dict[str, str] = {}
        if analysis:
            graph = build_graph(views.all_entities(connection), views.all_facts(connection))
            summary = summarize(graph, open_ontology(workspace))
            names = {entity: str(name) for entity, name in graph.nodes(data="name")}
            central = [{**asdict(c), "name": names[c.id]} for c in centrality(graph)[:_SHOWN]]
        return StatusReport(
            counts=views.count(connection),
            losses=views.losses(connection),
            reasons=views.quarantine_reasons(connection),
            unreadable=views.unreadable(connection),
            documents=views.document_views(connection, limit=1_000_000) if documents else None,
            analysis=summary,
            central=central,
            names=names,
        )


def details(workspace: Workspace, some_id: str) -> dict[str, object]:
    """Return one document, entity, fact or chunk with what belongs to it, as JSON values."""
    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        kind, full = views.find_id(connection, some_id)
        if kind == "document":
            document = ledger.document(connection, full)
            facts = views.fact_views(connection, document=full, limit=10_000)
            chunks = [asdict(c) for c in views.chunk_views(connection, full)]
            return {
                "kind": kind,
                "id": full,
                "name": document.name,
                "source": document.source,
                "language": document.language,
                "n_chars": len(document.text),
                "warnings": document.warnings,
                "chunks": chunks,
                "facts": [_fact_json(f) for f in facts],
            }
        if kind == "entity":
            entity = views.entity_view(connection, full)
            facts = views.fact_views(connection, entity=full, limit=10_000)
            return {"kind": kind, **asdict(entity), "facts": [_fact_json(f) for f in facts]}
        if kind == "fact":
            fact = views.fact_view(connection, full)
            evidence = [asdict(e) for e in views.evidence_of(connection, full, limit=10_000)]
            return {"kind": kind, **_fact_json(fact), "evidence": evidence}
        return {"kind": kind, **views.row_of(connection, kind, full)}


def _fact_json(fact: views.FactView) -> dict[str, object]:
    return asdict(fact)


def corrections(workspace: Workspace) -> dict[str, object]:
    """Return what people decided, oldest first."""
    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        return {"events": [asdict(e) for e in ledger.events(connection, kinds=CORRECTION_KINDS)]}


def as_lines(value: object, indent: str = "") -> Iterator[str]:
    """Yield nested JSON values as indented lines for a person."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping | list | tuple) and inner:
                yield f"{indent}{name}:"
                yield from as_lines(inner, indent + "  ")
            else:
                yield f"{indent}{name}: {inner if inner not in ([], (), {}) else '-'}"
    elif isinstance(value, list | tuple):
        for inner in value:
            if isinstance(inner, Mapping):
                lines = list(as_lines(inner, indent + "  "))
                yield f"{indent}- {lines[0].strip()}" if lines else f"{indent}-"
                yield from lines[1:]
            else:
                yield f"{indent}- {inner}"
    else:
        yield f"{indent}{value}"
