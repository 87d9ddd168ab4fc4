"""Statements and migrations, read from files of the package."""

from pathlib import Path

import pytest

from graph_schema import Migration, SchemaError, migrations, statement
from graph_schema import statements as loader


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """An empty package folder in place of graph_schema's own."""
    monkeypatch.setattr(loader.resources, "files", lambda _: tmp_path)
    (tmp_path / "cypher").mkdir()
    (tmp_path / "migrations").mkdir()
    statement.cache_clear()
    migrations.cache_clear()
    yield tmp_path
    statement.cache_clear()
    migrations.cache_clear()


def test_a_statement_comes_without_the_comments_at_its_top(package):
    (package / "cypher" / "merge_chunks.cypher").write_text(
        "// Chunks, by id.\n\n// $rows: id, seq\nUNWIND $rows AS row\n// kept\nMERGE (c:Chunk {id: row.id})\n"
    )
    assert statement("merge_chunks") == "UNWIND $rows AS row\n// kept\nMERGE (c:Chunk {id: row.id})"


@pytest.mark.parametrize("name", ["absent", "../ontologies/general", "", "A", "a.b"])
def test_an_unknown_statement_is_refused(package, name):
    with pytest.raises(SchemaError, match="there is no statement"):
        statement(name)


def test_an_empty_statement_is_refused(package):
    (package / "cypher" / "nothing.cypher").write_text("// only a remark\n")
    with pytest.raises(SchemaError, match="holds no statement"):
        statement("nothing")


def test_migrations_come_by_version_and_dialect(package):
    folder = package / "migrations"
    (folder / "0002_names.neo4j.cypher").write_text("CREATE INDEX b;\n")
    (folder / "0001_ids.neo4j.cypher").write_text(
        "// ids\nCREATE CONSTRAINT a\nFOR (n:Entity)\nREQUIRE n.id IS UNIQUE;\n\n// then\nCREATE INDEX c;"
    )
    (folder / "0001_ids.arcadedb.cypher").write_text("CREATE INDEX d")
    (folder / "README.md").write_text("not one")
    assert migrations() == (
        Migration(version=1, name="ids", dialect="arcadedb", statements=("CREATE INDEX d",)),
        Migration(
            version=1,
            name="ids",
            dialect="neo4j",
            statements=("CREATE CONSTRAINT a\nFOR (n:Entity)\nREQUIRE n.id IS UNIQUE", "CREATE INDEX c"),
        ),
        Migration(version=2, name="names", dialect="neo4j", statements=("CREATE INDEX b",)),
    )


def test_a_gap_between_migrations_is_refused(package):
    (package / "migrations" / "0002_names.neo4j.cypher").write_text("CREATE INDEX b")
    with pytest.raises(SchemaError, match=r"are \[2\]"):
        migrations()


def test_a_misnamed_migration_is_refused(package):
    (package / "migrations" / "1_names.neo4j.cypher").write_text("CREATE INDEX b")
    with pytest.raises(SchemaError, match="not the name of a migration"):
        migrations()


def test_the_migrations_of_the_package_can_be_read():
    migrations.cache_clear()
    assert all(each.statements for each in migrations())
