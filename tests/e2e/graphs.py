"""What must hold of every graph, whatever was read and whoever read it."""

from typing import Any

from tests.e2e.program import Program

__all__ = ["check_grounded"]

_MENTIONS = """
MATCH (d:Document)<-[:PART_OF]-(:Chunk)<-[m:MENTIONED_IN]-(e:Entity)
RETURN d.id, e.id, m.starts, m.ends, m.texts
"""


def check_grounded(program: Program) -> int:
    """Check that all that the graph says stands in a document; return how many pieces of evidence there are."""
    exported = {name: program.rows(name) for name in ("documents", "entities", "facts")}
    texts: dict[str, str] = {row["id"]: row["text"] for row in exported["documents"]}
    spans = _mentions(program, texts)
    named = {entity: {text for *_, text in own} for entity, own in spans.items()}
    for entity in exported["entities"]:
        assert named[entity["id"]] >= set(entity["aliases"])
        assert entity["name"] in named[entity["id"]]
    n_evidence = 0
    for fact in exported["facts"]:
        assert fact["evidence"], fact
        for place in fact["evidence"]:
            assert texts[place["document"]][place["start"] : place["end"]] == place["quote"]
            assert _stands_in(place, spans[fact["head"]]), fact
            assert _stands_in(place, spans[fact["tail"]]), fact
            n_evidence += 1
    return n_evidence


def _mentions(program: Program, texts: dict[str, str]) -> dict[str, set[tuple[str, int, int, str]]]:
    """Return the mentions of each entity in the graph, each checked against its document."""
    found: dict[str, set[tuple[str, int, int, str]]] = {}
    with program.store() as store:
        result = store.read(_MENTIONS, max_rows=100_000, timeout_s=60)
    assert not result.truncated
    for document, entity, starts, ends, words in result.rows:
        for start, end, text in zip(starts, ends, words, strict=True):  # type: ignore[call-overload]
            assert texts[str(document)][start:end] == text
            found.setdefault(str(entity), set()).add((str(document), start, end, text))
    return found


def _stands_in(place: dict[str, Any], spans: set[tuple[str, int, int, str]]) -> bool:
    return any(
        document == place["document"] and place["start"] <= start and end <= place["end"]
        for document, start, end, _ in spans
    )
