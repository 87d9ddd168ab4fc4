"""Look at everything a workspace needs and say what is wrong and what to do."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graph_schema import SchemaError
from kgbuilder.config import Workspace, open_workspace
from kgbuilder.errors import KGBuilderError

__all__ = ["Finding", "examine"]

_MIN_FREE_MB = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    what: str


def examine(folder: Path) -> list[Finding]:
    """Check settings, disk, ontology, ledger, extractor and graph; a later check is left out when it cannot be made."""
    findings: list[Finding] = []

    def check(name: str, look: Callable[[], str]) -> bool:
        try:
            findings.append(Finding(name=name, ok=True, what=look()))
        except (KGBuilderError, SchemaError) as error:
            findings.append(Finding(name=name, ok=False, what=str(error)))
        return findings[-1].ok

    opened: list[Workspace] = []

    def settings() -> str:
        opened.append(open_workspace(folder))
        return f"{len(opened[0].sources)} values, {folder}"

    if not check("settings", settings):
        return findings
    workspace = opened[0]
    free_mb = shutil.disk_usage(workspace.folder).free // (1024 * 1024)
    enough = free_mb >= _MIN_FREE_MB
    advice = "" if enough else f" (free some: a build needs {_MIN_FREE_MB} MB)"
    findings.append(Finding(name="disk", ok=enough, what=f"{free_mb} MB free{advice}"))
    check("ontology", lambda: _ontology(workspace))
    check("ledger", lambda: _ledger(workspace))
    check("extractor", lambda: _extractor(workspace))
    check("graph", lambda: _graph(workspace))
    return findings


def _ontology(workspace: Workspace) -> str:
    from kgbuilder.pipeline import open_ontology

    ontology = open_ontology(workspace)
    return f"{ontology.name}: {len(ontology.entity_types)} types, {len(ontology.relation_types)} relations"


def _ledger(workspace: Workspace) -> str:
    from kgbuilder.ledger import views
    from kgbuilder.pipeline import open_ledger

    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        counts = views.count(connection)
        return f"{ledger.where}: {counts.documents} documents, {counts.facts} facts"


def _extractor(workspace: Workspace) -> str:
    from kgbuilder.extract import load_extractor
    from kgbuilder.pipeline import open_ontology

    name = workspace.settings.extractor
    extractor = load_extractor(name, open_ontology(workspace), workspace.extractor_settings(name))
    try:
        return f"{name} {extractor.fingerprint[:12]}"
    finally:
        extractor.close()


def _graph(workspace: Workspace) -> str:
    from kgbuilder.pipeline import open_store

    with open_store(workspace, profile="page") as store:
        return f"{workspace.settings.store.uri}: {store.counts()}"
