"""A whole build from files to the graph, with the model in another process: python -m bench.build.

Prints documents a second, CPU milliseconds a document by stage, peak memory, statements, model calls and prompt tokens,
for each number of documents. Each run is a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.endpoint import serving
from bench.machine import ROOT, machine, spread
from tests.worlds import World

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds the model takes to answer")
    parser.add_argument("--mode", default="joint", choices=("joint", "iepile"))
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.folder:
        print(json.dumps(_build_once(Path(given.folder), given.url, given.mode)))
        return
    print(f"documents of 1,500 characters, zh and en, {given.mode}, {given.latency * 1000:.0f} ms; {machine()}")
    print(f"store: {os.environ.get('KGBUILDER_STORE_URI', 'embedded')}")
    for n_documents in given.documents:
        _show(n_documents, [_run(n_documents, given.latency, given.mode, seed) for seed in range(given.runs)])


def _run(n_documents: int, latency_s: float, mode: str, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        answers = _write_world(folder, n_documents, seed)
        with serving(answers, "--latency", str(latency_s)) as url:
            command = [sys.executable, "-m", "bench.build", "--folder", temporary, "--url", url, "--mode", mode]
            done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found


def _write_world(folder: Path, n_documents: int, seed: int) -> Path:
    answers = folder / "answers.jsonl"
    texts = folder / "texts"
    texts.mkdir()
    seen: set[str] = set()
    with answers.open("w", encoding="utf-8") as file:
        for document in World(n_entities=max(400, n_documents // 2), seed=seed).documents(n_documents):
            (texts / f"{document.index:06}.txt").write_text(document.text, encoding="utf-8")
            for answer in document.answers():
                if answer["text"] not in seen:
                    seen.add(answer["text"])
                    file.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return answers


def _build_once(folder: Path, url: str, mode: str) -> dict[str, float]:
    from kgbuilder.config import CONFIG_NAME, open_workspace
    from kgbuilder.ledger import views
    from kgbuilder.pipeline import build, open_ledger, open_store

    workspace_folder = folder / "workspace"
    workspace_folder.mkdir()
    endpoint = {"url": url, "model": "test-model", "mode": mode}
    settings = {"extractor": "endpoint", "extractors": {"endpoint": endpoint}, "chunk": {"max_tokens": 2000}}
    (workspace_folder / CONFIG_NAME).write_text(json.dumps(settings))
    workspace = open_workspace(workspace_folder)
    statements: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    with open_store(workspace) as store:  # keeps the server up, and its start out of the measurement
        store.migrate()
        if workspace.settings.store.uri != "embedded":
            store.clear()

        def count(name: str, n_rows: int) -> None:
            statements[name] += 1
            rows[name] += n_rows

        report = build(workspace, [folder / "texts"], on_statement=count)
        pid_seconds = _server_seconds(workspace.graph_folder)
    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        n_calls, n_tokens = views.model_use(connection)
    n = report.documents
    return {
        "documents": n,
        "seconds": report.seconds,
        "failed": report.counts.chunks["total"] - report.counts.chunks["done"],
        "facts": report.counts.facts,
        "entities": report.counts.entities,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "statements": statements.total(),
        "rows": rows.total(),
        "calls": n_calls,
        "prompt_tokens": n_tokens,
        "server_cpu_s": pid_seconds,
        **{f"cpu {stage}": seconds for stage, seconds in report.cpu_s.items()},
    }


def _server_seconds(folder: Path) -> float:
    """Return the CPU seconds that the embedded server has used; 0 where it is not ours."""
    state = folder / "server.json"
    if not state.exists():
        return 0.0
    pid = json.loads(state.read_text()).get("server_pid")
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(n_documents: int, runs: Sequence[dict[str, float]]) -> None:
    def over(name: str, divide_by: str = "", times: float = 1.0) -> list[float]:
        return [run[name] * times / (run[divide_by] if divide_by else 1) for run in runs]

    print(f"{n_documents} documents: {spread([r['documents'] / r['seconds'] for r in runs])} documents/s", end=", ")
    print(f"peak {spread(over('peak_mb'), '.0f')} MB, {spread(over('failed'), '.0f')} chunks lost", end=", ")
    print(f"{runs[0]['entities']:.0f} entities, {runs[0]['facts']:.0f} facts")
    stages = [name for name in runs[0] if name.startswith("cpu ")]
    whole = [sum(run[s] for s in stages) / run["documents"] * 1000 for run in runs]
    print(f"  client CPU ms a document: {spread(whole, '.2f')}")
    for stage in stages:
        print(f"    {stage.removeprefix('cpu '):24} {spread(over(stage, 'documents', 1000), '.2f')}")
    if runs[0]["server_cpu_s"]:
        print(f"  server CPU ms a document: {spread(over('server_cpu_s', 'documents', 1000), '.2f')}")
    print(f"  rows a document {spread(over('rows', 'documents'))}, rows/s {spread(over('rows', 'seconds'), '.0f')}")
    print(f"  statements a document {spread(over('statements', 'documents'), '.3f')}")
    print(f"  model calls a document {spread(over('calls', 'documents'), '.2f')}", end=", ")
    print(f"prompt tokens a document as the server counts {spread(over('prompt_tokens', 'documents'), '.0f')}")


if __name__ == "__main__":
    main()
