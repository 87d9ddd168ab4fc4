"""The statements are used, and use the names of the design."""

import re
from pathlib import Path

import pytest

from graph_schema import migrations, statement

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "graph_schema" / "cypher").glob("*.cypher"))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "kgbuilder" / "stores").glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_used(name: str):
    assert re.search(rf'"{name.removesuffix("_arcadedb")}', SOURCE)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_put_into_a_statement_but_parameters_and_one_type(name: str):
    text = statement(name)
    assert not re.search(r"[{%]\w*[%]|\{\}|'\s*\+", text)
    assert ("TYPE" in text) == name.startswith("fact")


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_never_poured_into_a_node(name: str):
    """SET n += row makes Neo4j hold all rows back."""
    assert "+=" not in statement(name)


def test_both_dialects_have_the_same_versions():
    versions = {dialect: [m.version for m in migrations() if m.dialect == dialect] for dialect in ("neo4j", "arcadedb")}
    assert versions["neo4j"] == versions["arcadedb"] == list(range(1, len(versions["neo4j"]) + 1))
