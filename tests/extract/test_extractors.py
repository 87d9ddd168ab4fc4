import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract import Extractor, list_extractors, load_extractor
from kgbuilder.records import Extraction, Passage

OPEN = Ontology.of("open", (), (), open=True)


class Echo:
    """A third party's extractor."""

    name = "echo"

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.fingerprint = f"echo {settings}"

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        for passage in passages:
            yield Extraction(passage_id=passage.id, extractor=self.fingerprint, state="done")

    def close(self) -> None:
        return


def make_echo(ontology: Ontology, settings: Mapping[str, object]) -> Extractor:
    return Echo(settings)


def make_nothing(ontology: Ontology, settings: Mapping[str, object]) -> object:
    return object()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, distribution: str, *points: str) -> None:
    metadata = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text("[kgbuilder.extractors]\n" + "\n".join(points) + "\n")
    monkeypatch.syspath_prepend(str(folder))


def test_ours_are_found_by_name() -> None:
    assert {"endpoint", "lexicon"} <= set(list_extractors())
    extractor = load_extractor("endpoint", OPEN, {"url": "http://h/v1", "model": "m"})
    assert isinstance(extractor, Extractor)
    assert extractor.name == "endpoint"
    extractor.close()


def test_a_third_party_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "kg-echo", f"echo = {__name__}:make_echo")
    assert "echo" in list_extractors()
    extractor = load_extractor("echo", OPEN, {"loud": True})
    (extraction,) = extractor.extract([Passage(id="p", text="a", language="en")])
    assert (extraction.passage_id, extraction.extractor) == ("p", "echo {'loud': True}")


def test_an_unknown_name_lists_what_is_installed() -> None:
    with pytest.raises(ConfigError, match=r"'lexikon'.*endpoint, lexicon"):
        load_extractor("lexikon", OPEN, {})


@pytest.mark.parametrize(
    "point",
    [
        "broken = kg_module_that_is_not_there:create",
        "broken = kgbuilder.records:create",
        "broken = kg_broken_module:create",
    ],
)
def test_one_that_cannot_be_loaded_names_its_distribution(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kg_broken_module.py").write_text("import json\njson.loads('{')\n")
    install(tmp_path, monkeypatch, "kg-broken", point)
    with pytest.raises(ConfigError, match=r"kg-broken 1\.2.*cannot load") as caught:
        load_extractor("broken", OPEN, {})
    assert "endpoint" in caught.value.remedy
    sys.modules.pop("kg_broken_module", None)


def test_one_that_makes_something_else_names_its_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "kg-nothing", f"nothing = {__name__}:make_nothing")
    with pytest.raises(ConfigError, match=r"kg-nothing 1\.2.*no extractor"):
        load_extractor("nothing", OPEN, {})


def test_two_distributions_with_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "kg-one", f"twice = {__name__}:make_echo")
    install(tmp_path, monkeypatch, "kg-two", f"twice = {__name__}:make_echo")
    with pytest.raises(ConfigError, match=r"kg-one 1\.2 and kg-two 1\.2"):
        load_extractor("twice", OPEN, {})
