"""Workspaces filled by hand: documents, mentions and facts put straight into the ledger; no model, no store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from streamlit.testing.v1 import AppTest

from kgbuilder.config import Workspace, init_workspace, open_workspace
from kgbuilder.ids import content_id
from kgbuilder.ledger import Ledger, Reading, derived, outbox
from kgbuilder.ledger.derived import MentionRow, NodeRow, TripleRow
from kgbuilder.records import Chunk, Document, Extraction, Failure, PageSpan, Quarantined, Reply

EXTRACTOR = content_id("extractor", "by hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document: `names` gives every name its type, `facts` are (head, relation, tail) found in one line of `text`."""

    name: str
    text: str
    language: str = "en"
    names: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str, str], ...] = ()
    pages: tuple[int, ...] = ()
    state: str = "done"
    reply: str = ""
    failure: Failure | None = None
    quarantined: tuple[Quarantined, ...] = ()
    warnings: tuple[str, ...] = ()


WUYUAN = Text(
    name="顾清砚.txt",
    language="zh",
    text="顾清砚，1962年9月8日生于江西婺源的一个茶农家庭。\n1998年，顾清砚在上海创立了明溪茶业，并出版了《茶与山》。\n明溪茶业总部位于上海。",
    names=(
        ("顾清砚", "PER"),
        ("1962年9月8日", "TIME"),
        ("江西婺源", "LOC"),
        ("明溪茶业", "ORG"),
        ("上海", "LOC"),
        ("茶与山", "WORK"),
    ),
    facts=(
        ("顾清砚", "place_of_birth", "江西婺源"),
        ("顾清砚", "date_of_birth", "1962年9月8日"),
        ("明溪茶业", "founded_by", "顾清砚"),
        ("明溪茶业", "headquarters", "上海"),
        ("茶与山", "author", "顾清砚"),
    ),
)
HOLT = Text(
    name="maren-holt.pdf",
    text="Maren Holt was born in the fishing town of Ardvik.\nMaren Holt founded Northlight Labs in Oslo.\n"
    "Northlight Labs is based in Oslo. Its first product was the Lumen probe.",
    names=(
        ("Maren Holt", "PER"),
        ("Ardvik", "LOC"),
        ("Northlight Labs", "ORG"),
        ("Oslo", "LOC"),
        ("Lumen probe", "PRODUCT"),
    ),
    facts=(
        ("Maren Holt", "place_of_birth", "Ardvik"),
        ("Northlight Labs", "founded_by", "Maren Holt"),
        ("Northlight Labs", "headquarters", "Oslo"),
    ),
    pages=(51,),
)
ALSO_HOLT = Text(
    name="founders.html",
    text="In 2009 Maren Holt founded Northlight Labs with two friends.",
    names=(("Maren Holt", "PER"), ("Northlight Labs", "ORG")),
    facts=(("Northlight Labs", "founded_by", "Maren Holt"),),
    quarantined=(
        Quarantined(
            reason="not in the text",
            claim='{"head":"Maren Holt","relation":"spouse","tail":"Jonas Lind"}',
            detail="Jonas Lind",
        ),
    ),
    reply='{"triples": [["Maren Holt", "founded", "Northlight Labs"], ["Maren Holt", "spouse", "Jonas Lind"]]}',
)
FAILED = Text(
    name="slow.md",
    text="A text that no model would answer for.",
    state="failed",
    failure=Failure(kind="timeout", what="the model gave no answer within 60 s", remedy="retry the failed chunks"),
)
SAMPLE = (WUYUAN, HOLT, ALSO_HOLT, FAILED)


def make(folder: Path, texts: Sequence[Text] = ()) -> Workspace:
    """Make a workspace in `folder` that holds `texts` as if a build had read them."""
    init_workspace(folder)
    workspace = open_workspace(folder, environment={})
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger:
        fill(ledger, texts)
    return workspace


def fill(ledger: Ledger, texts: Sequence[Text]) -> None:
    """Put texts into a ledger."""
    entities: dict[str, tuple[str, str, Counter[str]]] = {}
    facts: dict[tuple[str, str, str], int] = {}
    with ledger.writing("a test") as connection:
        ledger.put_extractor(connection, EXTRACTOR, name="by-hand", ontology="general")
        for text in texts:
            document, chunk = _document(text)
            reading = Reading(
                document=document, chunks=(chunk,), extractor_id=EXTRACTOR, max_tokens=1000, overlap_sentences=1
            )
            ledger.register(connection, [reading], author="test")
            ledger.put_attempts(connection, [_extraction(text, chunk)])
            mentions, triples = _statements(text, document, chunk)
            for row in mentions:
                entities.setdefault(row.node_id, (row.label, row.text, Counter()))[2][row.text] += 1
            nodes = [NodeRow(id=i, label=e[0], key=e[1], variant="", value=None) for i, e in entities.items()]
            derived.put_nodes(connection, nodes)
            derived.set_entities(connection, {i: i for i in entities})
            derived.put_statements(connection, {document.id: document.text}, mentions, triples)
            rows = [(content_id(text.name, n), document.id, chunk.id, q) for n, q in enumerate(text.quarantined)]
            derived.put_quarantined(connection, rows)
            derived.set_chunk_states(connection, {chunk.id: text.state})
            derived.set_derived(connection, [document.id], True)
            for triple in triples:
                key = (triple.head_node, triple.relation, triple.tail_node)
                facts[key] = facts.get(key, 0) + 1
        outbox.put_entities(connection, [_entity(i, *e) for i, e in entities.items()], ())
        outbox.put_facts(connection, [_fact(key, n) for key, n in facts.items()], ())


def _document(text: Text) -> tuple[Document, Chunk]:
    document_id = content_id("document", text.text)
    edges = (0, *text.pages, len(text.text))
    pages = [PageSpan(start=a, end=b, page=n) for n, (a, b) in enumerate(pairwise(edges), 1)]
    document = Document(
        id=document_id,
        source=f"/files/{text.name}",
        name=text.name,
        text=text.text,
        media_type="text/plain",
        language=text.language,
        pages=tuple(pages) if text.pages else (),
        warnings=text.warnings,
    )
    chunk = Chunk(
        id=content_id("chunk", document_id, 0),
        document_id=document_id,
        seq=0,
        start=0,
        end=len(text.text),
        language=text.language,
        passage_id=content_id("passage", text.language, text.text),
    )
    return document, chunk


def _extraction(text: Text, chunk: Chunk) -> Extraction:
    reply = Reply(task="RE", text=text.reply, prompt_id="", model="a-model")
    return Extraction(
        passage_id=chunk.passage_id,
        extractor=EXTRACTOR,
        state=text.state,
        replies=(reply,) if text.reply else (),
        failure=text.failure,
    )


def _statements(text: Text, document: Document, chunk: Chunk) -> tuple[list[MentionRow], list[TripleRow]]:
    mentions: list[MentionRow] = []
    for name, label in text.names:
        at = text.text.find(name)
        while at >= 0:
            mentions.append(
                MentionRow(
                    id=content_id("mention", document.id, at, at + len(name), label),
                    document_id=document.id,
                    chunk_id=chunk.id,
                    start=at,
                    end=at + len(name),
                    label=label,
                    text=name,
                    score=0.9,
                    status="extracted",
                    node_id=entity_id(name, label),
                )
            )
            at = text.text.find(name, at + 1)
    triples: list[TripleRow] = []
    for head, relation, tail in text.facts:
        triples += _triples(text, document, chunk, mentions, (head, relation, tail))
    return mentions, triples


def _triples(
    text: Text, document: Document, chunk: Chunk, mentions: Sequence[MentionRow], fact: tuple[str, str, str]
) -> list[TripleRow]:
    begin = 0
    for line in text.text.splitlines(keepends=True):
        end = begin + len(line.rstrip("\n"))
        inside = [m for m in mentions if begin <= m.start and m.end <= end]
        head = next((m for m in inside if m.text == fact[0]), None)
        tail = next((m for m in inside if m.text == fact[2]), None)
        if head and tail:
            return [
                TripleRow(
                    id=content_id("triple", document.id, head.id, fact[1], tail.id),
                    document_id=document.id,
                    chunk_id=chunk.id,
                    head=head.id,
                    relation=fact[1],
                    tail=tail.id,
                    score=0.87,
                    status="extracted",
                    start=begin,
                    end=end,
                    quote=text.text[begin:end],
                    extractor_id=EXTRACTOR,
                    head_node=head.node_id,
                    tail_node=tail.node_id,
                )
            ]
        begin += len(line)
    raise ValueError(f"no line states {fact}")


def entity_id(name: str, label: str) -> str:
    """The id of the entity of a name."""
    return content_id("entity", label, name)


def fact_id(head: str, relation: str, tail: str) -> str:
    """The id of a fact between entities given by id."""
    return content_id("fact", head, relation, tail)


def _entity(entity: str, label: str, name: str, spellings: Counter[str]) -> dict[str, object]:
    return {
        "id": entity,
        "label": label,
        "name": name,
        "aliases": [],
        "value": None,
        "n_mentions": sum(spellings.values()),
        "search": name.casefold(),
    }


def _fact(key: tuple[str, str, str], n: int) -> dict[str, object]:
    head, relation, tail = key
    return {
        "id": fact_id(head, relation, tail),
        "head": head,
        "relation": relation,
        "tail": tail,
        "score": 0.87,
        "status": "extracted",
        "n_evidence": n,
    }


def html_of(app: AppTest) -> str:
    """All the markup of ours on a page."""
    return "".join(element.proto.body for element in app.get("html"))
