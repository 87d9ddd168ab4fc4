"""The `kgbuilder` command: a verb for each thing that can be done with a workspace.

Exit status: 0 done, 1 failed, 2 used wrongly.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from graph_schema import SchemaError
from kgbuilder.config import Workspace, init_workspace, open_workspace
from kgbuilder.errors import ConfigError, KGBuilderError, ParseError

if TYPE_CHECKING:
    from kgbuilder.score import Report, Score

__all__ = ["app", "main"]

app = typer.Typer(
    name="kgbuilder",
    help="Documents in, a trusted knowledge graph out: every fact with its evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_out = Console(highlight=False, markup=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder with kgbuilder.yaml, the ledger and the graph.",
        envvar="KGBUILDER_WORKSPACE",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
AuthorOption = Annotated[str, typer.Option("--author", help="Who decides; kept with the event.", envvar="USER")]
_HERE = Path("workspace")
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line; errors become one clear message and an exit status."""
    try:
        app()
    except ConfigError as error:
        _fail(error, 2)
    except (KGBuilderError, SchemaError) as error:
        _fail(error, 1)
    except SystemExit as ended:
        # Typer turns an interrupt into this exit and says nothing.
        if ended.code == _INTERRUPTED:
            _err.print("stopped; what was committed stands, and the same command goes on from there")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _fail(error: Exception, status: int) -> NoReturn:
    _err.print(f"error: {error}")
    sys.exit(status)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    _out.print(table)


@app.command("init")
def init_command(
    workspace: WorkspaceOption = _HERE,
    ontology: Annotated[str, typer.Option(help="general, a theme pack, open, or a YAML file.")] = "general",
    extractor: Annotated[str, typer.Option(help="The extractor that reads documents.")] = "compact",
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Say nothing when the workspace is there.")] = False,
) -> None:
    """Make a workspace.

    Example: kgbuilder init --workspace my-graph --ontology medicine
    """
    from graph_schema import load_ontology

    load_ontology(ontology)
    if init_workspace(workspace, ontology=ontology, extractor=extractor):
        _out.print(f"made {workspace / 'kgbuilder.yaml'}; next: kgbuilder build FILES --workspace {workspace}")
    elif not if_missing:
        raise ConfigError("a workspace is here already", where=str(workspace), remedy="edit its kgbuilder.yaml")


@app.command("config")
def config_command(
    workspace: WorkspaceOption = _HERE,
    ontology: Annotated[bool, typer.Option("--ontology", help="Show the types and relations.")] = False,
    packs: Annotated[bool, typer.Option("--packs", help="List the ontologies that come along.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every setting with where it comes from.

    Example: kgbuilder config --workspace my-graph --ontology
    """
    if packs:
        from graph_schema import list_packs

        _print_json(list_packs()) if as_json else _out.print("\n".join(list_packs()))
        return
    opened = open_workspace(workspace)
    if ontology:
        _show_ontology(opened, as_json)
        return
    values = _settings(opened)
    if as_json:
        _print_json({key: {"value": value, "source": source} for key, value, source in values})
    else:
        _table(("setting", "value", "from"), values)


def _settings(workspace: Workspace) -> list[tuple[str, object, str]]:
    dumped = workspace.settings.model_dump()
    rows: list[tuple[str, object, str]] = []
    for key, source in sorted(workspace.sources.items()):
        value: object = dumped
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if key == "ledger.url":
            from kgbuilder.ledger import shown_url

            value = shown_url(str(value))
        rows.append((key, value, source))
    return rows


def _show_ontology(workspace: Workspace, as_json: bool) -> None:
    from kgbuilder.pipeline import open_ontology

    ontology = open_ontology(workspace)
    if as_json:
        _print_json(
            {
                "name": ontology.name,
                "fingerprint": ontology.fingerprint,
                "entity_types": [asdict(e) for e in ontology.entity_types.values()],
                "relation_types": [asdict(r) for r in ontology.relation_types.values()],
            }
        )
        return
    _table(("type", "label", "zh", "en"), [(e.id, e.label, e.zh, e.en) for e in ontology.entity_types.values()])
    _out.print()
    _table(
        ("relation", "zh", "head", "tail"),
        [(r.id, r.zh, " ".join(r.head), " ".join(r.tail)) for r in ontology.relation_types.values()],
    )


@app.command("build")
def build_command(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders and globs.", metavar="PATH...")] = None,
    workspace: WorkspaceOption = _HERE,
    extractor: Annotated[str | None, typer.Option(help="lexicon, compact, endpoint, or any that is installed.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask failed and quarantined chunks again.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another build to finish.")] = False,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Read documents, extract, resolve and bring the graph up to date. Stopped or killed, the same command goes on.

    Examples: kgbuilder build reports/ 'news/*.txt'
              kgbuilder build --retry-failed
    """
    from kgbuilder.pipeline import build

    opened = open_workspace(workspace)
    if not paths and not retry_failed:
        raise ConfigError("nothing to build", where="build", remedy="give files, folders or globs, or --retry-failed")
    with _progress(quiet=as_json) as show:
        report = build(
            opened,
            list(paths or ()),
            extractor=extractor,
            retry_failed=retry_failed,
            wait=wait,
            author=author,
            on_progress=show,
        )
    for error in report.unreadable:
        _err.print(f"not read: {error}")
    if as_json:
        _print_json(
            {
                **asdict(report.counts),
                "built": report.documents,
                "seconds": round(report.seconds, 3),
                "unreadable_files": [{"what": e.what, "where": e.where, "remedy": e.remedy} for e in report.unreadable],
            }
        )
    else:
        counts = report.counts
        done = f"{report.documents} documents in {report.seconds:.1f} s" if report.documents else "nothing has changed"
        _out.print(
            f"{done}; the graph has {counts.documents} documents, "
            f"{counts.entities} entities, {counts.facts} facts with {counts.evidence} pieces of evidence"
        )
        if counts.chunks["failed"] or counts.chunks["quarantined"]:
            _out.print(
                f"{counts.chunks['failed']} chunks failed and {counts.chunks['quarantined']} are quarantined: "
                "kgbuilder status tells why, kgbuilder build --retry-failed asks again"
            )
    if report.unanswered:
        _fail(report.unanswered, 1)
    if report.unreadable:
        raise typer.Exit(1)


class _progress:  # noqa: N801 - used as a function is
    """A progress bar on the terminal; one line now and then where there is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            console=_err,
            disable=quiet or not _err.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("reading", total=None, detail="")

    def __enter__(self) -> "_progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def texts(self, n: int, n_total: int) -> None:
        """Show how many texts of how many are done."""
        self._bar.update(self._task, completed=n, total=n_total, detail=f"{n} of {n_total} texts")

    def __call__(self, progress: object) -> None:
        from kgbuilder.pipeline import Progress

        assert isinstance(progress, Progress)
        of = f" of {progress.documents_total}" if progress.documents_total is not None else ""
        left = f", {progress.left_s:.0f} s left" if progress.left_s is not None else ""
        self._bar.update(
            self._task,
            description=progress.current[:40] or "reading",
            completed=progress.chunks,
            total=progress.chunks_total or None,
            detail=f"{progress.documents}{of} documents, {progress.chunks} of {progress.chunks_total} chunks, "
            f"{progress.facts} facts, {progress.rate_per_s:.1f} chunks/s{left}",
        )


@app.command("status")
def status_command(
    workspace: WorkspaceOption = _HERE,
    documents: Annotated[bool, typer.Option("--documents", help="List the documents.")] = False,
    analysis: Annotated[bool, typer.Option("--analysis/--no-analysis", help="Look at the graph as a whole.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Show what stands: chunks by state, facts, evidence, failures with reason and remedy, and oddities of the graph.

    Example: kgbuilder status --json
    """
    from kgbuilder import status

    opened = open_workspace(workspace)
    report = status.report(opened, documents=documents, analysis=analysis)
    if as_json:
        _print_json(report.to_json())
    else:
        for line in report.lines():
            _out.print(line)


@app.command("show")
def show_command(
    some_id: Annotated[
        str, typer.Argument(help="The id of a document, entity, fact or chunk, or its beginning.", metavar="ID")
    ] = "",
    workspace: WorkspaceOption = _HERE,
    events: Annotated[bool, typer.Option("--events", help="List what people decided.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one document, entity or fact with its evidence.

    Example: kgbuilder show 3f2a9c
    """
    from kgbuilder import status

    opened = open_workspace(workspace)
    if events:
        found = status.corrections(opened)
    elif some_id:
        found = status.details(opened, some_id)
    else:
        raise ConfigError("nothing to show", where="show", remedy="give an id, or --events")
    if as_json:
        _print_json(found)
    else:
        for line in status.as_lines(found):
            _out.print(line)


@app.command("query")
def query_command(
    cypher: Annotated[str, typer.Argument(help="A read-only Cypher query.", metavar="CYPHER")],
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="name=value; the value may be JSON.")
    ] = None,
    workspace: WorkspaceOption = _HERE,
    as_json: JsonOption = False,
) -> None:
    """Ask the graph. Writing is refused.

    Example: kgbuilder query 'MATCH (p:Person)-[r]->(o) WHERE p.name = $name RETURN type(r), o.name' -p name=林知远
    """
    from kgbuilder.pipeline import open_store

    opened = open_workspace(workspace)
    limits = opened.settings.limits
    with open_store(opened, profile="page") as store:
        result = store.read(cypher, _parameters(parameters or []), max_rows=limits.query_rows, timeout_s=limits.query_s)
    if as_json:
        _print_json({"keys": result.keys, "rows": result.rows, "truncated": result.truncated})
        return
    _table(result.keys, [[_cell(value) for value in row] for row in result.rows])
    if result.truncated:
        _err.print(f"only the first {limits.query_rows} rows; limits.query_rows in kgbuilder.yaml sets how many")


def _parameters(pairs: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"{pair!r} is no parameter", where="-p", remedy="write -p name=value")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found


def _cell(value: object) -> str:
    if value is None or isinstance(value, str | int | float | bool):
        return str(value)
    return orjson.dumps(value, default=_plain).decode()


@app.command("correct")
def correct_command(
    file: Annotated[
        Path, typer.Argument(help="One correction a line, as JSON; - reads standard input.", metavar="FILE.jsonl")
    ],
    workspace: WorkspaceOption = _HERE,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Record corrections and bring the graph up to date. All of the file, or nothing of it.

    Example: echo '{"action": "reject", "target": "FACT-ID"}' | kgbuilder correct -
    """
    from kgbuilder import review
    from kgbuilder.pipeline import record_corrections

    opened = open_workspace(workspace)
    requests = [review.parse_request(line, where=where) for where, line in _lines(file)]
    events = record_corrections(opened, requests, author=author)
    _print_json(events) if as_json else _out.print("\n".join(f"event {event}" for event in events))


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ParseError(
            f"cannot be read: {error}", where=str(file), remedy="give a UTF-8 file, one JSON object a line"
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{file}:{number}", line


@app.command("undo")
def undo_command(
    event: Annotated[str, typer.Argument(help="The event to take back, or the beginning of its id.", metavar="EVENT")],
    workspace: WorkspaceOption = _HERE,
    author: AuthorOption = "",
) -> None:
    """Take a correction back. Undoing an undo brings it again.

    Example: kgbuilder undo 3f2a9c
    """
    from kgbuilder.pipeline import undo_event

    made = undo_event(open_workspace(workspace), event, author=author)
    _out.print(f"event {made}")


@app.command("delete")
def delete_command(
    documents: Annotated[
        list[str], typer.Argument(help="Ids of documents, or their beginnings, or sources.", metavar="DOC...")
    ],
    workspace: WorkspaceOption = _HERE,
    author: AuthorOption = "",
) -> None:
    """Take documents out of the graph. Facts that other documents state stay.

    Example: kgbuilder delete reports/2023.pdf
    """
    from kgbuilder.pipeline import delete_document, find_document

    opened = open_workspace(workspace)
    for name in documents:
        document_id = find_document(opened, name)
        delete_document(opened, document_id, author=author)
        _out.print(f"deleted {name} ({document_id})")


@app.command("replay")
def replay_command(workspace: WorkspaceOption = _HERE, as_json: JsonOption = False) -> None:
    """Drop the graph, compute it again from the ledger, and print the sha256 of its canonical export.

    Example: KGBUILDER_STORE_URI=bolt://127.0.0.1:7687 kgbuilder replay    (moves the graph to another store)
    """
    from kgbuilder.export import canonical_sha256
    from kgbuilder.pipeline import open_ledger, open_store, replay

    opened = open_workspace(workspace)
    replay(opened)
    with open_ledger(opened) as ledger, open_store(opened) as store:
        digest = canonical_sha256(ledger, store)
    _print_json({"sha256": digest}) if as_json else _out.print(digest)


@app.command("export")
def export_command(
    format_name: Annotated[
        str, typer.Option("--format", "-f", help="jsonl (canonical), csv, graphml, cypher or jsonld.")
    ] = "jsonl",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")] = Path("export"),
    workspace: WorkspaceOption = _HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the graph to files. jsonl is canonical: the same graph gives the same bytes.

    Example: kgbuilder export --format graphml --out my-export
    """
    from kgbuilder.export import export
    from kgbuilder.pipeline import open_ledger, open_ontology, open_store

    opened = open_workspace(workspace)
    with open_ledger(opened) as ledger, open_store(opened) as store:
        written = export(ledger, store, open_ontology(opened), format_name, out)
    if as_json:
        _print_json({"files": [str(p) for p in written.files], "sha256": written.sha256})
    else:
        _out.print("\n".join(str(path) for path in written.files))
        _out.print(f"sha256 {written.sha256}")


@app.command("instructions")
def instructions_command(  # noqa: PLR0913 - one parameter an option
    source: Annotated[Path, typer.Option("--from", help="Records: JSON lines with text and entity or relation.")],
    schema: Annotated[Path, typer.Option("--schema", help="The schema file of the published converter.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    task: Annotated[str, typer.Option("--task", help="NER or RE.")] = "RE",
    language: Annotated[str, typer.Option("--language", help="zh or en.")] = "zh",
    format_name: Annotated[str, typer.Option("--format", help="iepile.")] = "iepile",
    split: Annotated[str, typer.Option("--split", help="train or test.")] = "train",
    split_num: Annotated[
        int | None, typer.Option("--split-num", help="Types in one prompt: 6 for NER, 4 for RE.")
    ] = None,
    random_sort: Annotated[bool, typer.Option("--random-sort", help="Shuffle the types, by --seed.")] = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Turn records into instructions for training or testing a model.

    Example: kgbuilder instructions --task RE --language zh --from sample.json --schema schema.json --out train.json
    """
    from kgbuilder.instructions import convert_file

    if format_name != "iepile":
        raise ConfigError(f"unknown format {format_name!r}", where="--format", remedy="iepile is the one there is")
    n = convert_file(
        source,
        schema,
        out,
        task=task,
        language=language,
        split=split,
        split_num=split_num,
        random_sort=random_sort,
        seed=seed,
    )
    _out.print(f"{n} instructions in {out}")


@app.command("evaluate")
def evaluate_command(
    data: Annotated[Path, typer.Option("--data", help="Annotated records, one JSON object a line.")],
    workspace: WorkspaceOption = _HERE,
    extractor: Annotated[str | None, typer.Option(help="The extractor to measure.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first records; 0 for all.")] = 0,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="YAML: label of the data to id of the ontology.")
    ] = None,
    with_types: Annotated[
        bool, typer.Option("--with-types", help="A triple is right only if the types of head and tail are, too.")
    ] = False,
    worst: Annotated[int, typer.Option(min=0, help="Show so many texts, those with the most errors.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Measure precision, recall and F1 of an extractor, with intervals, errors by class and the worst examples.

    Example: kgbuilder evaluate --data gold.jsonl --extractor lexicon --json
    """
    from kgbuilder.pipeline import evaluate_extractor

    opened = open_workspace(workspace)
    with _progress(quiet=as_json) as show:
        report = evaluate_extractor(
            opened,
            data,
            extractor=extractor,
            limit=limit,
            mapping=mapping,
            with_types=with_types,
            n_worst=worst,
            on_progress=show.texts,
        )
    _print_json(report.to_json()) if as_json else _show_scores(report)


def _show_scores(report: "Report") -> None:
    from kgbuilder.score.listing import judged_lines

    _out.print(f"{report.n_records} texts, {report.n_failed} without a usable extraction")
    for name, scores, kind in (("entities", report.entities, "type"), ("triples", report.triples, "relation")):
        groups = (("language", scores.by_language), ("source", scores.by_source), (kind, scores.by_type))
        rows = [("all", "", scores.overall)]
        rows += [(f"by {group}", key, score) for group, found in groups for key, score in found.items()]
        _out.print()
        _table((name, "", "precision", "recall", "F1", "n"), [(group, key, *_numbers(s)) for group, key, s in rows])
        if bootstrap := scores.overall.bootstrap:
            ranges = (bootstrap.precision, bootstrap.recall, bootstrap.f1)
            said = ("precision", "recall", "F1")
            parts = [f"{one} {low:.3f} to {high:.3f}" for one, (low, high) in zip(said, ranges, strict=True)]
            _out.print(f"95 % of resamples of the texts: {', '.join(parts)}")
        errors = ", ".join(f"{error.replace('_', ' ')} {n}" for error, n in scores.errors.items())
        _out.print(f"errors: {errors}")
    if report.worst:
        _out.print("\nthe texts with the most errors")
    for number, text in enumerate(report.worst, 1):
        _out.print("\n" + "\n".join(judged_lines(number, text)))


def _numbers(score: "Score") -> tuple[str, str, str, int]:
    return f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", score.n


@app.command("doctor")
def doctor_command(workspace: WorkspaceOption = _HERE, as_json: JsonOption = False) -> None:
    """Check the settings, the ledger, the graph and the extractor, and say what is wrong and what to do.

    Example: kgbuilder doctor
    """
    from kgbuilder.doctor import examine

    findings = examine(workspace)
    if as_json:
        _print_json([asdict(f) for f in findings])
    else:
        for finding in findings:
            _out.print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.what}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command("worker")
def worker_command(workspace: WorkspaceOption = _HERE) -> None:
    """Run the jobs that the app puts in its queue, until stopped.

    Example: kgbuilder worker --workspace my-graph
    """
    from ui.worker import run_worker

    run_worker(open_workspace(workspace))


@app.command("app")
def app_command(
    workspace: WorkspaceOption = _HERE,
    port: Annotated[int | None, typer.Option(help="The port of the page; 8501, or the next that is free.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 127.0.0.1 unless given.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run the job worker beside the page.")] = True,
) -> None:
    """Open the app: graph, worker and page; a workspace is made where there is none.

    Example: kgbuilder app --workspace my-graph
    """
    try:
        from ui.launch import run_app
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed", where="app", remedy="pip install 'kgbuilder[app]'"
        ) from error
    run_app(workspace, port=port, host=host, headless=headless, with_worker=worker)
