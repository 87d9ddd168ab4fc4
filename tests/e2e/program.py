"""The program as people run it: processes of its own, in a workspace of its own, against real servers."""

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from kgbuilder.cli import main
from kgbuilder.config import open_workspace
from kgbuilder.export import export
from kgbuilder.ledger import Ledger
from kgbuilder.pipeline import open_ledger, open_ontology
from kgbuilder.stores import GraphStore, open_embedded
from tests.servers.model import ModelServer

__all__ = ["REPOSITORY", "Outcome", "Place", "Program"]

REPOSITORY = Path(__file__).parents[2]
PASSWORD_VARIABLE = "KGBUILDER_STORE_PASSWORD"

_TIMEOUT_S = 120.0
_CANONICAL = ("documents.jsonl", "entities.jsonl", "facts.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        """Return what was printed as JSON."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything that was printed."""
        return self.out + self.err


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a graph is kept: `graph` is the folder of an embedded server, "" for a server of its own at `uri`."""

    name: str
    graph: str = ""
    uri: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def store(self) -> GraphStore:
        """Open the graph."""
        if self.uri:
            return GraphStore.connect(self.uri, auth=(self.user, self.password), profile="worker")
        return open_embedded(Path(self.graph), profile="worker")

    def settings(self) -> dict[str, object]:
        """Return the `store` section of a workspace."""
        return {"uri": self.uri, "user": self.user} if self.uri else {"uri": "embedded"}


class Program:
    """`kgbuilder` in one workspace. Commands run in `folder`, so that files have the same names in every workspace."""

    def __init__(self, folder: Path, place: Place, *, workspace: str = "w", bytecode: Path | None = None) -> None:
        self.folder = folder
        self.workspace = folder / workspace
        self.environment = _environment(place, bytecode)
        self._place = place

    def configure(self, **settings: object) -> None:
        """Make the workspace, or give it other settings."""
        self.workspace.mkdir(parents=True, exist_ok=True)
        graph = self.workspace / "graph"
        if self._place.graph and not graph.is_symlink():
            graph.symlink_to(self._place.graph, target_is_directory=True)
        values = {"store": self._place.settings(), **settings}
        (self.workspace / "kgbuilder.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")

    def ask(self, server: ModelServer, *, ontology: str = "general", **settings: object) -> None:
        """Let the workspace read with the model behind `server`."""
        quick: dict[str, object] = {"backoff_s": 0.02, "timeout_s": {"total": 20.0}}
        endpoint = {"url": server.url, "model": server.script.model, **quick, **settings}
        self.configure(extractor="endpoint", ontology=ontology, extractors={"endpoint": endpoint})

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command and return its process."""
        return subprocess.Popen(
            [sys.executable, "-m", "kgbuilder", *self._placed(arguments)],
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def _placed(self, arguments: Sequence[str]) -> list[str]:
        if arguments[0] == "instructions":  # the one command that needs no workspace
            return list(arguments)
        return [arguments[0], "--workspace", str(self.workspace), *arguments[1:]]

    def run(
        self,
        *arguments: str,
        status: int | None = 0,
        timeout_s: float = _TIMEOUT_S,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run a command to its end; its exit status must be `status`, if one is given."""
        began = time.monotonic()
        with self.start(*arguments, environment=environment) as process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except BaseException:
                process.kill()
                raise
        done = Outcome(status=process.returncode, out=out, err=err, seconds=time.monotonic() - began)
        return _checked(arguments, status, done)

    def call(self, *arguments: str, status: int | None = 0) -> Outcome:
        """Run a command in this process: what `run` does, without a second of importing."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        began = time.monotonic()
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", ["kgbuilder", *self._placed(arguments)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        code = ended.value.code
        return _checked(
            arguments,
            status,
            Outcome(
                status=code if isinstance(code, int) else 0,
                out=out.buffer.getvalue().decode(),  # type: ignore[attr-defined]
                err=err.buffer.getvalue().decode(),  # type: ignore[attr-defined]
                seconds=time.monotonic() - began,
            ),
        )

    def json(self, *arguments: str) -> Any:
        """Call a command with --json and return what it printed."""
        return self.call(*arguments, "--json").json()

    def store(self) -> GraphStore:
        """Open the graph in this process."""
        return self._place.store()

    def ledger(self) -> Ledger:
        """Open the ledger in this process."""
        return open_ledger(open_workspace(self.workspace, environment={}))

    def exported(self) -> dict[str, bytes]:
        """Return the canonical export, file by file; made in this process, because tests want it often."""
        out = self.workspace / "canonical"
        with self.ledger() as ledger, self.store() as store:
            export(ledger, store, open_ontology(open_workspace(self.workspace, environment={})), "jsonl", out)
        return {name: (out / name).read_bytes() for name in _CANONICAL}

    def sha256(self) -> str:
        """Return the sha256 of the canonical export, computed here."""
        return sha256(self.exported())

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of one file of the canonical export."""
        return [json.loads(line) for line in self.exported()[f"{name}.jsonl"].splitlines()]


def _checked(arguments: Sequence[str], status: int | None, done: Outcome) -> Outcome:
    assert "Traceback" not in done.said, done.said
    assert status is None or done.status == status, f"{arguments} ended with {done.status}: {done.said}"
    return done


def sha256(exported: Mapping[str, bytes]) -> str:
    """Return the sha256 over documents, entities and facts."""
    return hashlib.sha256(b"".join(exported[name] for name in _CANONICAL)).hexdigest()


def _environment(place: Place, bytecode: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KGBUILDER_", "PYTEST_"))}
    kept |= {"USER": "tester", "PYTHONUTF8": "1", "COLUMNS": "200"}
    if place.password:
        kept[PASSWORD_VARIABLE] = place.password
    if bytecode is not None:
        # Importing without compiled files takes three times as long, and the suite starts the program many times.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        kept["PYTHONPYCACHEPREFIX"] = str(bytecode)
    return kept
