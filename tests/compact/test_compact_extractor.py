"""The compact extractor with the models of the package: sound claims on any text, one result however many processes."""

import os
import shutil
import signal
import time

import pytest

from graph_schema import load_ontology
from kgbuilder.errors import ConfigError, ModelError
from kgbuilder.extract import load_extractor
from kgbuilder.extract.compact.extractor import MODELS, create
from kgbuilder.records import Passage

GENERAL = load_ontology("general")
TEXTS = {
    "zh": "林知远1978年3月生于浙江绍兴，毕业于东湖大学，2005年创立了明溪茶业有限公司，公司总部位于杭州市。",
    "en": "Mira Holt founded Tallow Works in Dunmere in 1998.",
}
ODD = {
    "empty": "",
    "blank": " \n\t",
    "one": "中",
    "digits": "0123456789" * 50,
    "emoji": "👩‍👩‍👧林知远🏴󠁧󠁢󠁥󠁮󠁧󠁿生于绍兴。",
    "surrogate": "林知远\ud800生于绍兴。",
    "wide": "ＨＵＡＷＥＩ公司位于深圳。",
    "brackets": "[1:PER 林知远] || 1 place_of_birth 2",
    "russian": "Мария родилась в Москве.",
}


def passage(text, language="zh", id_="p"):
    return Passage(id=id_, text=text, language=language)


@pytest.fixture(scope="module")
def extractor():
    made = create(GENERAL, {"workers": 0})
    yield made
    made.close()


def test_a_chinese_sentence_is_read(extractor):
    [found] = extractor.extract([passage(TEXTS["zh"])])
    triples = {(t.head, t.relation, t.tail) for t in found.triples}
    assert {("林知远", "date_of_birth", "1978年3月"), ("林知远", "educated_at", "东湖大学")} <= triples
    assert {m.label for m in found.mentions} >= {"PER", "ORG", "LOC", "TIME"}


def test_an_english_sentence_is_read(extractor):
    [found] = extractor.extract([passage(TEXTS["en"], "en")])
    triples = {(t.head, t.relation, t.tail) for t in found.triples}
    assert {("Tallow Works", "founded_by", "Mira Holt"), ("Tallow Works", "inception", "1998")} <= triples
    assert {m.label for m in found.mentions} == {"PER", "ORG", "LOC", "TIME"}


def test_a_language_without_a_model_is_read_by_the_lexicon(tmp_path):
    shutil.copytree(MODELS / "zh", tmp_path / "zh")
    made = create(GENERAL, {"workers": 0, "models": str(tmp_path)})
    [lexicon] = load_extractor("lexicon", GENERAL, {}).extract([passage(TEXTS["en"], "en")])
    [found] = made.extract([passage(TEXTS["en"], "en")])
    assert (found.mentions, found.triples) == (lexicon.mentions, lexicon.triples)
    assert found.triples


def test_another_network_of_characters_makes_another_extractor(tmp_path):
    shutil.copytree(MODELS / "zh", tmp_path / "zh")
    before = create(GENERAL, {"models": str(tmp_path)}).fingerprint
    (tmp_path / "zh" / "context.json").write_bytes((MODELS / "zh" / "context.json").read_bytes() + b" ")
    assert create(GENERAL, {"models": str(tmp_path)}).fingerprint != before


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("language", ["zh", "en", "und"])
def test_any_text_gives_claims_that_stand_in_it(extractor, name, language):
    text = ODD[name]
    [found] = extractor.extract([passage(text, language)])
    assert found.state == "done"
    for mention in found.mentions:
        assert text[mention.start : mention.start + len(mention.text)] == mention.text
        assert 0 <= mention.score <= 1
    for triple in found.triples:
        assert GENERAL.allows(triple.head_label, triple.relation, triple.tail_label)
        assert text[triple.head_start :].startswith(triple.head)
        assert text[triple.tail_start :].startswith(triple.tail)
    if name in ("empty", "blank", "digits", "russian"):
        assert not found.triples


def test_only_what_the_ontology_knows_comes_out():
    narrow = load_ontology("building")
    made = create(narrow, {"workers": 0})
    [found] = made.extract([passage(TEXTS["zh"])])
    assert {m.label for m in found.mentions} <= set(narrow.entity_types)
    assert {t.relation for t in found.triples} <= set(narrow.relation_types)
    assert made.fingerprint != create(GENERAL, {"workers": 0}).fingerprint


@pytest.mark.slow
def test_processes_read_what_one_reads_in_order(extractor):
    passages = [passage(f"第{n}段：" + TEXTS["zh"], id_=str(n)) for n in range(70)]
    made = create(GENERAL, {"workers": 2})
    try:
        found = list(made.extract(passages))
    finally:
        made.close()
    assert [extraction.passage_id for extraction in found] == [p.id for p in passages]
    here = list(extractor.extract(passages))
    assert [(f.mentions, f.triples) for f in found] == [(f.mentions, f.triples) for f in here]


@pytest.mark.slow
def test_a_process_that_dies_costs_no_passage():
    passages = (passage(f"第{n}段：" + TEXTS["zh"], id_=str(n)) for n in range(100))
    made = create(GENERAL, {"workers": 2})
    try:
        found = []
        for extraction in made.extract(passages):
            found.append(extraction)
            if len(found) == 5:
                os.kill(next(iter(made._pool._processes)), signal.SIGKILL)
    finally:
        made.close()
    assert [extraction.passage_id for extraction in found] == [str(n) for n in range(100)]
    assert all(extraction.state == "done" and extraction.mentions for extraction in found)


@pytest.mark.slow
def test_time_grows_with_the_text_and_no_faster(extractor):
    def seconds(n):
        began = time.process_time()
        list(extractor.extract([passage("林知远生于绍兴" * n)]))
        return time.process_time() - began

    seconds(100)
    assert seconds(8_000) < 8 * seconds(2_000)


def test_wrong_settings_and_missing_or_broken_models_are_told(tmp_path):
    for settings, says in (
        ({"modles": "x"}, "modles"),
        ({"workers": -1}, "workers"),
        ({"models": str(tmp_path)}, "no model"),
    ):
        with pytest.raises(ConfigError, match=says):
            load_extractor("compact", GENERAL, settings)
    shutil.copytree(MODELS / "zh", tmp_path / "zh")
    (tmp_path / "zh" / "encoder.onnx").write_bytes(b"no graph")
    broken = create(GENERAL, {"models": str(tmp_path), "workers": 0})
    with pytest.raises(ModelError, match=r"encoder\.onnx"):
        list(broken.extract([passage(TEXTS["zh"])]))
    (tmp_path / "zh" / "relations.onnx").unlink()
    with pytest.raises(ConfigError, match=r"relations\.onnx"):
        create(GENERAL, {"models": str(tmp_path)})
