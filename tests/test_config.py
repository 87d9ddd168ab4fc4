"""Settings: what a file and the environment may say, and how mistakes are told."""

import pytest

from kgbuilder.config import init_workspace, open_workspace
from kgbuilder.errors import ConfigError


def workspace(folder, text, environment=None):
    (folder / "kgbuilder.yaml").write_text(text, encoding="utf-8")
    return open_workspace(folder, environment=environment or {})


def test_every_value_knows_where_it_comes_from(tmp_path):
    opened = workspace(tmp_path, "ontology: medicine\n", {"KGBUILDER_STORE_URI": "bolt://db:7687"})
    assert opened.settings.ontology == "medicine"
    assert opened.sources["ontology"] == str(tmp_path / "kgbuilder.yaml")
    assert opened.sources["store.uri"] == "environment KGBUILDER_STORE_URI"
    assert opened.sources["chunk.max_tokens"] == "default"


def test_the_environment_wins_over_the_file(tmp_path):
    opened = workspace(tmp_path, "extractor: lexicon\n", {"KGBUILDER_EXTRACTOR": "endpoint"})
    assert opened.settings.extractor == "endpoint"


def test_all_mistakes_are_told_at_once_with_the_nearest_name(tmp_path):
    with pytest.raises(ConfigError) as error:
        workspace(tmp_path, "ontolgy: general\nchunk: {max_tokens: 3}\nstore: {urii: x}\n")
    assert "did you mean ontology" in str(error.value)
    assert "chunk.max_tokens" in str(error.value)
    assert "did you mean uri" in str(error.value)


@pytest.mark.parametrize("text", ["- a list", "a: [unclosed", "just words"])
def test_a_file_that_is_no_mapping_is_refused_with_its_name(tmp_path, text):
    with pytest.raises(ConfigError, match=r"kgbuilder\.yaml"):
        workspace(tmp_path, text)


def test_a_folder_without_a_workspace_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="kgbuilder init"):
        open_workspace(tmp_path)


def test_a_new_workspace_opens_and_is_not_overwritten(tmp_path):
    assert init_workspace(tmp_path / "w", ontology="law")
    assert open_workspace(tmp_path / "w", environment={}).settings.ontology == "law"
    assert not init_workspace(tmp_path / "w", ontology="general")
    assert open_workspace(tmp_path / "w", environment={}).settings.ontology == "law"


def test_the_compact_extractor_reads_unless_another_is_named(tmp_path):
    assert init_workspace(tmp_path / "w")
    assert open_workspace(tmp_path / "w", environment={}).settings.extractor == "compact"
    assert workspace(tmp_path, "").settings.extractor == "compact"


def test_a_relative_ledger_lives_in_the_workspace(tmp_path):
    opened = workspace(tmp_path, "")
    assert opened.ledger_url == f"sqlite:///{tmp_path}/ledger.db"


def test_the_password_comes_from_the_environment_only(tmp_path, monkeypatch):
    opened = workspace(tmp_path, "")
    monkeypatch.delenv("KGBUILDER_STORE_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="KGBUILDER_STORE_PASSWORD"):
        opened.store_password()
    monkeypatch.setenv("KGBUILDER_STORE_PASSWORD", "secret")
    assert opened.store_password() == "secret"
    assert "secret" not in repr(opened)


def test_an_address_with_credentials_is_refused_without_showing_them(tmp_path):
    with pytest.raises(ConfigError, match="KGBUILDER_STORE_PASSWORD") as error:
        workspace(tmp_path, "store: {uri: 'bolt://neo4j:s3cret@db:7687'}\n")
    assert "s3cret" not in str(error.value)
