"""Rows to write in tests, with everything but what matters filled in."""

from kgbuilder.stores import ChunkRow, DocumentRow, EntityRow, FactKey, FactRow, GraphBatch, GraphStore, MentionRow


def document(id_: str = "d1", **values: object) -> DocumentRow:
    given = {
        "name": f"{id_}.txt",
        "source": f"/in/{id_}.txt",
        "sha256": "0" * 64,
        "language": "zh",
        "media_type": "text/plain",
        "n_chars": 100,
        "n_chunks": 2,
    }
    return DocumentRow(id=id_, **{**given, **values})


def chunk(id_: str = "c1", document_id: str = "d1", seq: int = 0) -> ChunkRow:
    return ChunkRow(id=id_, document=document_id, seq=seq, start=seq * 50, end=seq * 50 + 50)


def entity(id_: str, name: str = "", label: str = "Person", **values: object) -> EntityRow:
    name = name or f"n{id_}"
    return EntityRow(**{"id": id_, "label_id": label.upper(), "label": label, "name": name, "search": name, **values})


def mention(entity_id: str, chunk_id: str = "c1", text: str = "张三") -> MentionRow:
    return MentionRow(entity=entity_id, chunk=chunk_id, starts=(0,), ends=(len(text),), texts=(text,))


def fact(head: str, type_: str, tail: str, quote: str = "张三创立了公司。", **values: object) -> FactRow:
    given = {
        "id": f"{head}-{type_}-{tail}",
        "relation_id": type_.lower(),
        "score": 0.75,
        "status": "extracted",
        "n_evidence": 1,
        "evidence_documents": ("d1",),
        "evidence_starts": (0,),
        "evidence_ends": (len(quote),),
        "evidence_quotes": (quote,),
        "evidence_extractors": ("lexicon",),
    }
    return FactRow(head=head, type=type_, tail=tail, **{**given, **values})


def key(row: FactRow) -> FactKey:
    return FactKey(head=row.head, type=row.type, tail=row.tail)


def small_batch() -> GraphBatch:
    """One document of two chunks, three entities, two mentions, two facts."""
    return GraphBatch(
        documents=(document(),),
        chunks=(chunk("c1", seq=0), chunk("c2", seq=1)),
        next_chunks=(("c1", "c2"),),
        entities=(
            entity("e1", "张三", aliases=("小张", "Zhang San"), n_mentions=2),
            entity("e2", "华为技术有限公司", "Organization", n_mentions=1),
            entity("e3", "1987", "Time", value="1987"),
        ),
        mentions=(mention("e1", "c1"), mention("e2", "c2", "华为")),
        facts=(fact("e1", "FOUNDED", "e2"), fact("e2", "FOUNDED_IN", "e3", n_evidence=3)),
    )


def contents(store: GraphStore) -> tuple[object, ...]:
    """All that a graph holds, and how many relationships of each kind."""
    relationships = store.read("MATCH ()-[r]->() RETURN type(r) AS type, count(r) AS n ORDER BY type").rows
    return tuple(store.documents()), tuple(store.entities()), tuple(store.facts()), relationships
