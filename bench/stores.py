"""Rows a second into each graph store, and what they cost client and server: python -m bench.stores.

A document brings 1 node of its own, 2 chunks, 4 new entities, up to 12 mentions and 6 facts; half of what it mentions
is known from earlier documents, a few entities from very many. Each run starts a new server, so the first thousand
documents also pay for its warming up.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.machine import machine, spread
from kgbuilder.ids import content_id
from kgbuilder.stores import (
    ChunkRow,
    DocumentRow,
    EntityRow,
    FactRow,
    GraphBatch,
    GraphStore,
    MentionRow,
    open_embedded,
)
from kgbuilder.stores.broker import STATE_NAME
from tests.servers.neo4j_server import Neo4jServer

__all__ = ["main"]

_LABELS = ("Person", "Organization", "Place", "Work", "Event", "Time")
_N_TYPES = 30
_QUOTE = "这家公司由两位同学于二〇一二年在上海创立，注册资本五百万元，此后十年先后在三座城市设立分公司。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One pass over all documents: wall seconds and CPU seconds of client and server."""

    wall_s: float
    client_s: float
    server_s: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table for each store."""
    parser = argparse.ArgumentParser(prog="python -m bench.stores", description=__doc__)
    parser.add_argument("--stores", nargs="+", default=["embedded", "neo4j"], choices=("embedded", "neo4j"))
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=256, help="documents in a batch")
    parser.add_argument("--slice", type=int, default=2_000, help="rows in a transaction")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args(argv)
    print(f"{given.documents} documents, {given.batch} a batch, {given.slice} rows a transaction; {machine()}")
    batches = list(_batches(given.documents, given.batch))
    for name in given.stores:
        runs = [_run(name, batches, given.slice) for _ in range(given.runs)]
        _print(name, batches, given.documents, runs)


@contextmanager
def _serving(name: str, slice_rows: int, sent: list[str]) -> Iterator[tuple[GraphStore, int]]:
    folder = Path(tempfile.mkdtemp())

    def on_statement(statement: str, _: int) -> None:
        sent.append(statement)

    try:
        if name == "embedded":
            with open_embedded(
                folder, profile="worker", idle_s=1, slice_rows=slice_rows, on_statement=on_statement
            ) as store:
                yield store, json.loads((folder / STATE_NAME).read_text())["server_pid"]
            return
        server = Neo4jServer(folder / "server", heap="1g").start()
        try:
            with GraphStore.connect(
                server.uri,
                auth=(server.user, server.password),
                profile="worker",
                slice_rows=slice_rows,
                on_statement=on_statement,
            ) as store:
                yield store, server.pid
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(name: str, batches: Sequence[GraphBatch], slice_rows: int) -> Mapping[str, Measured]:
    sent: list[str] = []
    with _serving(name, slice_rows, sent) as (store, pid):
        store.migrate()
        sent.clear()
        passes: dict[str, Callable[[], object]] = {
            "write": lambda: [store.write(batch) for batch in batches],
            "write again": lambda: [store.write(batch) for batch in batches],
            "export": lambda: sum(1 for rows in (store.documents(), store.entities(), store.facts()) for _ in rows),
            "clear": store.clear,
        }
        measured = {}
        for step, work in passes.items():
            measured[step] = _measure(work, pid)
            if step == "write":
                print(f"{name}: {len(sent)} statements, server {_memory_mb(pid)} MB", flush=True)
        return measured


def _measure(work: Callable[[], object], pid: int) -> Measured:
    wall, client, server = time.perf_counter(), time.process_time(), _cpu_s(pid)
    work()
    return Measured(
        wall_s=time.perf_counter() - wall,
        client_s=time.process_time() - client,
        server_s=_cpu_s(pid) - server,
    )


def _print(name: str, batches: Sequence[GraphBatch], n_documents: int, runs: Sequence[Mapping[str, Measured]]) -> None:
    n_rows = sum(_n_rows(batch) for batch in batches)
    for step in runs[0]:
        walls = [run[step].wall_s for run in runs]
        print(
            f"{name:9} {step:12} documents/s {spread([n_documents / wall for wall in walls], '.0f'):24}"
            f" rows/s {spread([n_rows / wall for wall in walls], '.0f'):26}"
            f" CPU ms a document: client {spread([run[step].client_s * 1000 / n_documents for run in runs], '.2f')},"
            f" server {spread([run[step].server_s * 1000 / n_documents for run in runs], '.2f')}",
            flush=True,
        )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def _n_rows(batch: GraphBatch) -> int:
    rows = (batch.documents, batch.chunks, batch.next_chunks, batch.entities, batch.mentions, batch.facts)
    return sum(map(len, rows))


def _batches(n_documents: int, size: int) -> Iterator[GraphBatch]:
    draw = Random(1)
    known: list[str] = []
    for begin in range(0, n_documents, size):
        documents, chunks, pairs, entities, mentions, facts = [], [], [], [], {}, {}
        for n in range(begin, min(begin + size, n_documents)):
            document_id = content_id("document", n)
            documents.append(_document(document_id, n))
            own = [_chunk(document_id, seq) for seq in range(2)]
            chunks += own
            pairs.append((own[0].id, own[1].id))
            new = [_entity(n, k) for k in range(4)]
            entities += new
            known += [row.id for row in new]
            # The square favours the first entities: they become hubs, as countries do.
            near = [row.id for row in new] + [known[int(len(known) * draw.random() ** 3)] for _ in range(4)]
            for row in _mentions(near, own, draw):
                mentions[row.entity, row.chunk] = row
            for fact in _facts(near, document_id, draw):
                facts[fact.id] = fact
        yield GraphBatch(
            documents=tuple(documents),
            chunks=tuple(chunks),
            next_chunks=tuple(pairs),
            entities=tuple(entities),
            mentions=tuple(mentions.values()),
            facts=tuple(facts.values()),
        )


def _document(id_: str, n: int) -> DocumentRow:
    return DocumentRow(
        id=id_,
        name=f"文件{n}.txt",
        source=f"/in/文件{n}.txt",
        sha256=id_ * 2,
        language="zh",
        media_type="text/plain",
        n_chars=1500,
        n_chunks=2,
    )


def _chunk(document_id: str, seq: int) -> ChunkRow:
    id_ = content_id("chunk", document_id, seq)
    return ChunkRow(id=id_, document=document_id, seq=seq, start=seq * 700, end=seq * 700 + 800)


def _entity(n: int, k: int) -> EntityRow:
    label = _LABELS[(n + k) % len(_LABELS)]
    name, alias = f"实体名称{n}之{k}", f"Alias {n} {k}"
    return EntityRow(
        id=content_id("entity", n, k),
        label_id=label[:3].upper(),
        label=label,
        name=name,
        aliases=(alias,),
        n_mentions=5,
        search=f"{name} {alias} shitimingcheng{n}zhi{k}",
    )


def _mentions(near: Sequence[str], chunks: Sequence[ChunkRow], draw: Random) -> Iterator[MentionRow]:
    for k in range(12):
        yield MentionRow(
            entity=draw.choice(near),
            chunk=chunks[k % 2].id,
            starts=(3, 90),
            ends=(7, 94),
            texts=("实体名称", "实体名称"),
        )


def _facts(near: Sequence[str], document_id: str, draw: Random) -> Iterator[FactRow]:
    for _ in range(6):
        head, tail = draw.sample(near, 2)
        relation = f"relation_{draw.randrange(_N_TYPES)}"
        yield FactRow(
            id=content_id("fact", head, relation, tail),
            head=head,
            relation_id=relation,
            type=relation.upper(),
            tail=tail,
            score=0.9,
            status="extracted",
            n_evidence=1,
            evidence_documents=(document_id,),
            evidence_starts=(30,),
            evidence_ends=(30 + len(_QUOTE),),
            evidence_quotes=(_QUOTE,),
            evidence_extractors=("0123456789abcdef0123456789abcdef",),
        )


if __name__ == "__main__":
    main()
