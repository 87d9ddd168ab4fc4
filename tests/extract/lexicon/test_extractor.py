"""The lexicon as an extractor: settings, ontologies, gazetteers, and text that means harm."""

import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract import load_extractor
from kgbuilder.extract.ground import ground
from kgbuilder.extract.lexicon import LexiconExtractor, create
from kgbuilder.records import Extraction, Passage

HOSTILE = {
    "long name": "李" + "明" * 10_000 + "出生于北京。",
    "lone surrogates": "\ud800王明\udc00出生于北京\udfff。",
    "private use": "\ue000\ue010\ue0ff林知远出生于北京。",
    "zero width": "王\u200b明\u200b出生于\u202e北京。" * 100,
    "brackets": "（" * 5000 + "《" * 5000 + "(" * 5000,
    "numbers": "1," * 30_000,
    "enumeration": "王明、" * 3000 + "李红",
    "capitals": "Abc " * 10_000 + "University of " * 3000,
    "markup": "<script>alert(1)</script> MATCH (n) DETACH DELETE n; 林知远出生于北京。",
}


def run(extractor: LexiconExtractor, text: str, language: str) -> Extraction:
    return next(extractor.extract([Passage(id="p", text=text, language=language)]))


def assert_sound(found: Extraction, text: str) -> None:
    last = 0
    for claim in found.mentions:
        assert claim.start is not None
        assert text[claim.start : claim.start + len(claim.text)] == claim.text
        assert claim.start >= last, "mentions overlap"
        assert 0 < claim.score <= 1
        last = claim.start + len(claim.text)
    at = {claim.start for claim in found.mentions}
    for claim in found.triples:
        assert {claim.head_start, claim.tail_start} <= at
        assert text[claim.head_start : claim.head_start + len(claim.head)] == claim.head
        assert text[claim.tail_start : claim.tail_start + len(claim.tail)] == claim.tail


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends_in_time_and_in_sound_claims(lexicon: LexiconExtractor, name: str, language: str) -> None:
    started = time.process_time()
    found = run(lexicon, HOSTILE[name], language)
    assert time.process_time() - started < 10
    assert found.state == "done"
    assert_sound(found, HOSTILE[name])


_PIECES = st.one_of(
    st.sampled_from(
        [
            "林知远",
            "生于",
            "绍兴",
            "，",
            "。",
            "（",
            "）",
            "《",
            "》",
            "、",
            "公司",
            "1978年",
            "妻子",
            "的",
            "他",
            "分别",
        ]
    ),
    st.sampled_from(["Ruth Ellison", " was born in ", "Paris", ". ", ", ", "She", "(", ")", "\n", " "]),
    st.sampled_from(["\ud800", "😀", "\u200b", "\ue001", "\x00"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join), st.sampled_from(["zh", "en", "und"]))
def test_claims_are_sound_whatever_the_text(lexicon: LexiconExtractor, text: str, language: str) -> None:
    assert_sound(run(lexicon, text, language), text)


def test_claims_of_a_long_passage_keep_their_offsets(lexicon: LexiconExtractor) -> None:
    text = "那天下着雨，许多人站在码头上看船。" * 300 + "林知远1978年3月生于绍兴。"
    found = run(lexicon, text, "zh")
    assert_sound(found, text)
    assert {claim.relation for claim in found.triples} == {"place_of_birth", "date_of_birth"}


def test_everything_grounds(lexicon: LexiconExtractor, general: Ontology) -> None:
    text = "林知远1978年3月生于绍兴，毕业于浙江大学。澜岳集团董事长林知远出席了会议。"
    found = run(lexicon, text, "zh")
    grounded = ground(
        found, text=text, document_id="d", offset=0, sentences=((0, 23), (23, len(text))), ontology=general
    )
    assert grounded.quarantined == ()
    assert len(grounded.triples) == len(found.triples) > 4


def test_what_the_ontology_lacks_is_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\nextends: [general]\nkeep_entity_types: [PER, LOC]\nkeep_relations: [place_of_birth]\n", "utf-8"
    )
    found = run(create(load_ontology(path), {}), "林知远1978年3月生于绍兴，毕业于浙江大学。", "zh")
    assert {claim.label for claim in found.mentions} == {"PER", "LOC"}
    assert {claim.relation for claim in found.triples} == {"place_of_birth"}


def test_open_mode_uses_the_general_names() -> None:
    found = run(create(load_ontology("open"), {}), "林知远生于绍兴。", "zh")
    assert {(claim.head, claim.tail) for claim in found.triples} == {("林知远", "绍兴")}


def test_a_gazetteer_names_what_the_rules_cannot_know(tmp_path: Path, general: Ontology) -> None:
    tsv = tmp_path / "names.tsv"
    tsv.write_text("鹭羽H3\tPRODUCT\nzork\tperson\n", "utf-8")
    extractor = create(general, {"gazetteer": str(tsv), "cache_dir": str(tmp_path / "cache")})
    assert ("鹭羽H3", "PRODUCT") in {(c.text, c.label) for c in run(extractor, "我买了鹭羽H3。", "zh").mentions}
    files = list((tmp_path / "cache").glob("gazetteer-*.spacy"))
    assert len(files) == 1
    files[0].write_bytes(b"broken")
    again = create(general, {"gazetteer": [tsv], "cache_dir": tmp_path / "cache"})
    assert ("鹭羽H3", "PRODUCT") in {(c.text, c.label) for c in run(again, "我买了鹭羽H3。", "zh").mentions}
    assert again.fingerprint == extractor.fingerprint != create(general, {}).fingerprint


def test_patterns_of_tokens_name_what_no_list_can(tmp_path: Path, general: Ontology) -> None:
    path = tmp_path / "patterns.jsonl"
    path.write_text(
        '{"label": "EVENT", "pattern": [{"LOWER": "operation"}, {"IS_TITLE": true}], "id": "x"}\n\n'
        '{"label": "PRODUCT", "pattern": [{"TEXT": "风"}, {"IS_DIGIT": true, "OP": "+"}, {"TEXT": "号"}]}\n'
        '{"label": "PRODUCT", "pattern": "quellstone"}\n',
        encoding="utf-8",
    )
    extractor = create(general, {"gazetteer": str(path)})
    english = "They called it Operation Harbour, and quellstone was scarce after operation began."
    chinese = "昨天风12号离开了港口，长风号没有。"
    passages = [Passage(id="e", text=english, language="en"), Passage(id="z", text=chinese, language="zh")]
    found = {(m.text, m.label) for extraction in extractor.extract(passages) for m in extraction.mentions}
    assert {("Operation Harbour", "EVENT"), ("quellstone", "PRODUCT"), ("风12号", "PRODUCT")} <= found
    assert not {name for name, _ in found} & {"operation began", "长风号"}
    assert extractor.fingerprint != create(general, {}).fingerprint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "JSON"),
        ('{"label": "ORG"}', "label and a pattern"),
        ('{"label": "ORG", "pattern": [{"LOUD": true}]}', "pattern of spaCy"),
        ('{"label": "DRAGON", "pattern": "Smaug"}', "no type"),
    ],
)
def test_a_wrong_pattern_is_refused_by_its_line(tmp_path: Path, general: Ontology, line: str, said: str) -> None:
    path = tmp_path / "patterns.jsonl"
    path.write_text(f'{{"label": "ORG", "pattern": "Acme"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as error:
        create(general, {"gazetteer": str(path)})
    assert "patterns.jsonl" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tsv", "鹭羽\n", r"a\.tsv:1"),
        ("a.yaml", "- 鹭羽\n", "mapping"),
        ("a.yaml", "{PER: [x\n", "cannot be read"),
        ("a.yaml", "NOPE: [x]\n", "NOPE"),
    ],
)
def test_a_wrong_gazetteer_is_refused(tmp_path: Path, general: Ontology, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=said):
        create(general, {"gazetteer": str(path)})


def test_an_unknown_setting_is_refused(general: Ontology) -> None:
    with pytest.raises(ConfigError, match="modle"):
        create(general, {"modle": 1})


def test_the_entry_point_makes_it(general: Ontology) -> None:
    extractor = load_extractor("lexicon", general, {})
    assert extractor.name == "lexicon"
    extractor.close()
    extractor.close()


def test_the_fingerprint_follows_the_ontology(lexicon: LexiconExtractor, general: Ontology) -> None:
    assert create(general, {}).fingerprint == lexicon.fingerprint
    assert create(load_ontology("medicine"), {}).fingerprint != lexicon.fingerprint


def test_jieba_is_loaded_without_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    from kgbuilder.extract.lexicon.segment import load_segmenter

    load_segmenter.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_segmenter().tag("北京") == "ns"
    assert capfd.readouterr() == ("", "")
