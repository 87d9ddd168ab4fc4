"""The component in spaCy's pipelines, and the corpus as a DocBin: real extractors and one that says what it is told."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus

from graph_schema import load_ontology
from kgbuilder.errors import ConfigError, ModelError, ParseError
from kgbuilder.extract.ground import ground
from kgbuilder.extract.lexicon import LexiconExtractor
from kgbuilder.ingest import sentences
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, Quarantined, TripleClaim
from kgbuilder.spacy_pipe import KGBuilderPipe, PipeSettings, TypedSpan, create, doc_triples, set_entities
from tests.training.samples import passage as marked
from training.__main__ import main
from training.data.docbin import write_docbin
from training.data.marked import read_marked

GENERAL = load_ontology("general")
BLANK = {language: spacy.blank(language) for language in ("zh", "en")}
ZH = "林知远1978年3月生于浙江绍兴，毕业于东湖大学，2005年创立了明溪茶业有限公司。"
EN = "Mira Holt founded Tallow Works in Dunmere in 1998."
ODD = {
    "empty": "",
    "blank": " \n\t ",
    "one": "中",
    "emoji": "👩‍👩‍👧林知远🏴󠁧󠁢󠁥󠁮󠁧󠁿生于绍兴😀。",
    "blanks": "  Mira  Holt \n founded\tTallow Works .  ",
    "mixed": "林知远 founded Tallow Works，2005年。",
    "wide": "ＨＵＡＷＥＩ公司位于深圳。",
    "russian": "Мария родилась в Москве.",
}


class Told:
    """An extractor that says of a passage what `say` returns; it keeps every call, and answers in reverse order."""

    name = "told"
    fingerprint = "told"

    def __init__(self, say: Callable[[Passage], Extraction | None]) -> None:
        self.say = say
        self.calls: list[list[str]] = []
        self.n_closed = 0

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        asked = list(passages)
        self.calls.append([passage.text for passage in asked])
        for passage in reversed(asked):
            found = self.say(passage)
            if found is not None:
                yield found

    def close(self) -> None:
        self.n_closed += 1


def stated(passage: Passage, mentions=(), triples=(), **more) -> Extraction:
    return Extraction(
        passage_id=passage.id,
        extractor="told",
        **{"state": "done", "mentions": tuple(mentions), "triples": tuple(triples), **more},
    )


def named(text: str, label: str, start: int, score: float = 1.0) -> MentionClaim:
    return MentionClaim(text=text, label=label, start=start, score=score)


def founded(org: tuple[str, int], person: tuple[str, int], score: float = 1.0) -> TripleClaim:
    return TripleClaim(
        head=org[0],
        head_start=org[1],
        head_label="ORG",
        relation="founded_by",
        tail=person[0],
        tail_start=person[1],
        tail_label="PER",
        score=score,
    )


@pytest.fixture
def told(monkeypatch):
    """A pipeline with an extractor that says the given claims of any text, and that extractor."""

    def make(say, language="en", **config):
        extractor = Told(say if callable(say) else lambda passage: stated(passage, *say))
        monkeypatch.setattr("kgbuilder.extract.load_extractor", lambda name, ontology, settings: extractor)
        nlp = spacy.blank(language)
        nlp.add_pipe("kgbuilder", config={"extractor": "told", **config})
        return nlp, extractor

    return make


def pipeline(language: str, **config):
    nlp = spacy.blank(language)
    nlp.add_pipe("kgbuilder", config={"extractor": "lexicon", **config})
    return nlp


@pytest.fixture(scope="module")
def lexicon():
    return {language: pipeline(language) for language in ("zh", "en")}


def rows(doc: Doc) -> set[tuple[str, str, str]]:
    text = doc.text
    return {(text[t.head_start : t.head_end], t.relation, text[t.tail_start : t.tail_end]) for t in doc._.triples}


def entities(doc: Doc) -> list[tuple[str, str]]:
    return [(entity.text, entity.label_) for entity in doc.ents]


def check_sound(doc: Doc, text: str) -> None:
    assert doc.text == text
    for triple in doc._.triples:
        for span, start, end in (
            (triple.head, triple.head_start, triple.head_end),
            (triple.tail, triple.tail_start, triple.tail_end),
        ):
            assert span.doc is doc
            assert span.start_char <= start < end <= span.end_char
            assert text[start:end] in span.text
        assert 0 <= triple.score <= 1
        assert triple.relation in GENERAL.relation_types
    for entity in doc.ents:
        assert GENERAL.entity_types[entity.ent_id_].label == entity.label_


# Registration


def test_spacy_finds_the_factory_with_no_import_of_ours():
    program = (
        "import sys, spacy\n"
        "assert not [name for name in sys.modules if name.startswith('kgbuilder')]\n"
        "nlp = spacy.blank('en')\n"
        "nlp.add_pipe('kgbuilder', config={'extractor': 'lexicon'})\n"
        f"doc = nlp({EN!r})\n"
        "print([(t.head.text, t.relation, t.tail.text) for t in doc._.triples])\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "('Tallow Works', 'founded_by', 'Mira Holt')" in done.stdout


def test_importing_the_module_brings_neither_spacy_nor_the_stages():
    program = "import sys, kgbuilder.spacy_pipe; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"spacy", "numpy", "jieba", "kgbuilder.ingest", "kgbuilder.extract"} & loaded == set()


def test_the_entry_point_leads_to_the_factory():
    [point] = [p for p in entry_points(group="spacy_factories", name="kgbuilder") if p.dist.name == "kgbuilder"]
    assert point.load() is point.load() is create


def test_another_name_of_the_module_is_still_no_attribute():
    import kgbuilder.spacy_pipe as module

    with pytest.raises(AttributeError, match="fatcory"):
        _ = module.fatcory


def test_an_extension_of_another_package_is_not_taken_over():
    KGBuilderPipe(PipeSettings(extractor="lexicon"))
    ours = Doc.remove_extension("triples")
    Doc.set_extension("triples", default=None)
    try:
        with pytest.raises(ConfigError, match="another package"):
            KGBuilderPipe(PipeSettings(extractor="lexicon"))
    finally:
        Doc.remove_extension("triples")
        Doc.set_extension("triples", getter=ours[2])


# What it says


def test_a_chinese_text(lexicon):
    doc = lexicon["zh"](ZH)
    assert {("林知远", "Person"), ("1978年3月", "Time"), ("东湖大学", "Organization")} <= set(entities(doc))
    assert {("林知远", "educated_at", "东湖大学"), ("明溪茶业有限公司", "founded_by", "林知远")} <= rows(doc)
    check_sound(doc, ZH)


def test_an_english_text(lexicon):
    doc = lexicon["en"](EN)
    assert {("Mira Holt", "Person"), ("Tallow Works", "Organization")} <= set(entities(doc))
    [triple] = doc._.triples
    assert (triple.head.text, triple.relation, triple.tail.text) == ("Tallow Works", "founded_by", "Mira Holt")
    assert (triple.head.label_, triple.tail.label_) == ("Organization", "Person")
    check_sound(doc, EN)


@pytest.mark.parametrize("language", ["zh", "en", "xx"])
@pytest.mark.parametrize("name", ODD)
def test_any_text_is_read(name, language):
    nlp = pipeline(language)
    doc = nlp(ODD[name])
    check_sound(doc, ODD[name])
    if not ODD[name].strip():
        assert (doc.ents, doc._.triples) == ((), [])


def test_code_points_beyond_the_basic_plane_count_as_one(lexicon):
    text = "😀👩‍👩‍👧。" + ZH
    doc = lexicon["zh"](text)
    assert ("林知远", "educated_at", "东湖大学") in rows(doc)
    check_sound(doc, text)


@pytest.fixture(scope="module")
def compact():
    """A pipeline with the default extractor, where the package has a model that this version reads."""
    nlp = spacy.blank("zh")
    nlp.add_pipe("kgbuilder")
    try:
        nlp(ZH)
    except ModelError as error:
        pytest.skip(str(error))
    return nlp


def test_the_compact_model_is_the_default(compact):
    doc = compact(ZH)
    assert ("林知远", "educated_at", "东湖大学") in rows(doc)
    assert {"Person", "Organization", "Location", "Time"} <= {entity.label_ for entity in doc.ents}
    check_sound(doc, ZH)


@pytest.mark.parametrize("name", ODD)
def test_the_compact_model_reads_any_text(compact, name):
    check_sound(compact(ODD[name]), ODD[name])


def test_english_is_read_by_default_too():
    nlp = spacy.blank("en")
    nlp.add_pipe("kgbuilder")
    assert ("Tallow Works", "founded_by", "Mira Holt") in rows(nlp(EN))


@pytest.mark.parametrize(("language", "text"), [("zh", ZH), ("en", EN)])
def test_it_says_what_extraction_and_grounding_say(lexicon, language, text):
    [extraction] = LexiconExtractor(GENERAL).extract([Passage(id="p", text=text, language=language)])
    whole = ground(
        extraction, text=text, document_id="d", offset=0, sentences=sentences(text, language), ontology=GENERAL
    )
    doc = lexicon[language](text)
    assert [(e.start_char, e.end_char, e.ent_id_) for e in doc.ents] == [
        (m.start, m.end, m.label) for m in whole.mentions
    ]
    at = {m.id: (m.start, m.end) for m in whole.mentions}
    assert [((t.head_start, t.head_end), t.relation, (t.tail_start, t.tail_end), t.score) for t in doc._.triples] == [
        (at[t.head], t.relation, at[t.tail], t.score) for t in whole.triples
    ]


def test_a_long_text_is_read_in_chunks_and_what_overlaps_is_kept_once(lexicon):
    text = "\n".join(ZH.replace("知远", name) for name in ("知远", "文远", "思明", "建国", "晓东") * 30)
    chunks = lexicon["zh"].get_pipe("kgbuilder")._cut(lexicon["zh"].make_doc(text)).chunks
    assert len(chunks) > 3
    doc = lexicon["zh"](text)
    check_sound(doc, text)
    offsets = [tuple(row[:5]) for row in doc.user_data["triples"]]
    assert len(offsets) == len(set(offsets))
    assert offsets.count((0, 3, "date_of_birth", 3, 10)) == 1
    assert max(row[3] for row in offsets) > len(text) - len(ZH)
    assert len([e for e in doc.ents if e.text == "东湖大学"]) == 150


@pytest.mark.parametrize("better", ["first", "second"])
def test_of_what_two_chunks_state_the_better_score_counts(told, better):
    lines = [f"林甲{number}创立了明溪茶业。" for number in range(1000, 1200)]
    length = len(lines[0])

    def say(passage):
        # The sentence that two chunks share is the last of one and the first of the next.
        scores = (0.3, 0.8) if better == "first" else (0.8, 0.3)
        starts = (0, len(passage.text) - length)
        claims = [
            founded(("明溪茶业", at + 9), (passage.text[at : at + 6], at), score)
            for at, score in zip(starts, scores, strict=True)
        ]
        return stated(passage, [], claims)

    nlp, extractor = told(say, "zh")
    doc = nlp("".join(lines))
    [chunks] = extractor.calls
    assert len(chunks) > 1
    assert all(before[-length:] == after[:length] for before, after in pairwise(chunks))
    assert sorted(triple.score for triple in doc._.triples) == [0.3] + [0.8] * len(chunks)


# Spans and tokens


def test_an_entity_inside_a_token_is_widened_and_the_triple_keeps_its_offsets(told):
    text = "The Tallow-backed Holtfund grew."
    nlp, _ = told(([], [founded(("Tallow", 4), ("Holt", 18), 0.5)]))
    doc = nlp(text)
    [triple] = doc._.triples
    assert (triple.head_start, triple.head_end, triple.tail_start, triple.tail_end) == (4, 10, 18, 22)
    assert (triple.head.text, triple.tail.text) == ("Tallow", "Holtfund")
    assert entities(doc) == [("Tallow", "Organization"), ("Holtfund", "Person")]


@pytest.mark.parametrize(
    ("claims", "kept"),
    [
        ([named("东湖大学", "ORG", 0, 0.6), named("东湖", "LOC", 0, 0.9)], [("东湖", "Location")]),
        ([named("东湖大学", "ORG", 0, 0.6), named("东湖", "LOC", 0, 0.6)], [("东湖大学", "Organization")]),
        ([named("东湖", "LOC", 0, 0.6), named("湖大", "ORG", 1, 0.6)], [("东湖", "Location")]),
    ],
    ids=["higher score", "longer", "earlier"],
)
def test_of_overlapping_entities_one_stays(told, claims, kept):
    nlp, _ = told((claims,), "zh")
    assert entities(nlp("东湖大学很大。")) == kept


def test_a_triple_of_an_entity_that_lost_its_place_stays(told):
    nlp, _ = told(([named("林知远大学", "ORG", 0, 0.9)], [founded(("明溪茶业", 5), ("林知远", 0), 0.4)]), "zh")
    doc = nlp("林知远大学明溪茶业")
    assert entities(doc) == [("林知远大学", "Organization"), ("明溪茶业", "Organization")]
    [triple] = doc._.triples
    assert (triple.tail.text, triple.tail.label_) == ("林知远", "Person")


def test_two_entities_of_one_token_do_not_clash(told):
    nlp, _ = told(([named("1884", "TIME", 6), named("1951", "TIME", 11)],))
    assert entities(nlp("Holt (1884–1951) sang.")) == [("1884–1951", "Time")]


def test_entities_of_an_earlier_component_are_replaced(told):
    nlp, _ = told(([named("Holt", "PER", 0)],))
    nlp.add_pipe("entity_ruler", before="kgbuilder").add_patterns([{"label": "X", "pattern": "sang"}])
    assert entities(nlp("Holt sang.")) == [("Holt", "Person")]


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from("ab .-–😀中林'\n"), min_size=1, max_size=30),
    places=st.sets(st.tuples(st.integers(0, 29), st.integers(1, 8), st.sampled_from(["PER", "ORG"]), st.floats(0, 1))),
    language=st.sampled_from(["zh", "en"]),
)
def test_entities_never_overlap_and_hold_what_was_asked(text, places, language):
    doc = BLANK[language].make_doc(text)
    spans = [
        TypedSpan(start=start, end=start + length, type=type_, score=score)
        for start, length, type_, score in sorted(places)
        if len(text[start : start + length].strip()) == length
    ]
    snapping = set_entities(doc, spans, GENERAL)
    kept = [span for span in spans if span not in snapping.left_out]
    at = [(entity.start_char, entity.end_char) for entity in doc.ents]
    assert len(at) == len(kept)
    assert all(end <= start for (_, end), (start, _) in pairwise(at))
    assert all(any(start <= span.start and span.end <= end for start, end in at) for span in kept)
    assert all((span.start, span.end) in at for span in kept if span not in snapping.widened)


def test_a_row_outside_the_document_is_told():
    doc = spacy.blank("en").make_doc("Holt sang.")
    doc.user_data["triples"] = [(0, 4, "founded_by", 5, 99)]
    with pytest.raises(ParseError, match="not in the document"):
        doc_triples(doc)


# Settings


def test_types_narrow_entities_and_relations():
    doc = pipeline("zh", types=["Person", "机构"])(ZH)
    assert {label for _, label in entities(doc)} == {"Person", "Organization"}
    assert rows(doc) == {("林知远", "educated_at", "东湖大学"), ("明溪茶业有限公司", "founded_by", "林知远")}


def test_the_kinds_of_a_type_stay_with_it(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "name: own\nextends: [general]\nentity_types:\n"
        "  WRITER: {parent: PER, zh: 作家, en: writer, definition_zh: 作家, definition_en: A writer.}\n",
        encoding="utf-8",
    )
    pipe = KGBuilderPipe(PipeSettings(extractor="lexicon", ontology=str(tmp_path / "own.yaml"), types=("PER", "ORG")))
    narrowed = pipe._ontology
    assert set(narrowed.entity_types) == {"PER", "WRITER", "ORG"}
    assert narrowed.relation_types["founded_by"].tail == ("PER", "ORG", "WRITER")
    assert narrowed.allows("ORG", "founded_by", "WRITER")
    assert "date_of_birth" not in narrowed.relation_types


def test_a_score_below_the_least_is_left_out(told):
    claims = [named("Mira Holt", "PER", 0, 0.9), named("Tallow Works", "ORG", 18, 0.4)]
    nlp, _ = told((claims, [founded(("Tallow Works", 18), ("Mira Holt", 0), 0.6)]), min_score=0.5)
    doc = nlp(EN)
    assert entities(doc) == [("Mira Holt", "Person")]
    assert [triple.score for triple in doc._.triples] == [0.6]
    nlp, _ = told((claims, [founded(("Tallow Works", 18), ("Mira Holt", 0), 0.4)]), min_score=0.5)
    assert nlp(EN)._.triples == []


def test_open_mode_takes_any_type(told):
    claims = [named("Mira Holt", "baker", 0)]
    nlp, _ = told((claims,), ontology="open")
    assert entities(nlp(EN)) == [("Mira Holt", "Baker")]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"extractor": "nobody"}, "no extractor named 'nobody'"),
        ({"min_score": 1.5}, "min_score"),
        ({"types": ["Person", "Ghost", "Elf"]}, "'Ghost', 'Elf'"),
        ({"ontology": "open", "types": ["Person"]}, "no types to choose from"),
        ({"settings": {"colour": 1}}, "no setting 'colour'"),
    ],
)
def test_a_wrong_setting_is_told_when_the_pipeline_is_built(config, says):
    with pytest.raises(ConfigError, match=says):
        pipeline("en", **config)


@pytest.mark.parametrize("config", [{"types": "Person"}, {"colour": 1}, {"ontology": "atlantis"}])
def test_spacy_or_the_ontology_refuse_what_has_the_wrong_form(config):
    with pytest.raises(ValueError):
        pipeline("en", **config)


# Batches and failures


def test_texts_go_to_the_extractor_in_batches_each_passage_once(told):
    nlp, extractor = told(lambda passage: stated(passage, [named(passage.text[:4], "PER", 0)]))
    texts = ["Anna sang.", "Bert sang.", "Anna sang.", "", "Carl sang."]
    docs = list(nlp.pipe(texts, batch_size=4))
    assert extractor.calls == [["Anna sang.", "Bert sang."], ["Carl sang."]]
    assert [doc.text for doc in docs] == texts
    assert [entities(doc) for doc in docs] == [[(t[:4], "Person")] if t else [] for t in texts]


def test_no_more_than_a_batch_is_read_ahead(told):
    nlp, _ = told(())
    taken = []

    def stream():
        for number in range(100):
            taken.append(number)
            yield f"text {number}"

    next(nlp.pipe(stream(), batch_size=5))
    assert len(taken) <= 10


def test_a_batch_and_single_texts_say_the_same(lexicon):
    texts = [ZH, "", *ODD.values(), ZH]
    batch = [(entities(doc), doc.user_data["triples"]) for doc in lexicon["zh"].pipe(texts, batch_size=3)]
    assert batch == [(entities(doc), doc.user_data["triples"]) for doc in map(lexicon["zh"], texts)]


def failing(passage: Passage) -> Extraction | None:
    if "lost" in passage.text:
        return None
    if "bad" in passage.text:
        return stated(passage, state="failed", failure=Failure(kind="k", what="the model slept", remedy="wake it"))
    return stated(passage, [named("Anna", "PER", 0)])


@pytest.mark.parametrize(("text", "says"), [("Anna is bad.", "the model slept"), ("Anna is lost.", "left it out")])
def test_a_failed_passage_is_no_empty_document(told, text, says):
    nlp, _ = told(failing)
    with pytest.raises(ModelError, match=says):
        nlp(text)
    with pytest.raises(ModelError, match=says):
        list(nlp.pipe(["Anna sang.", text]))


def test_an_error_handler_loses_the_failed_documents_only(told):
    nlp, _ = told(failing)
    lost = []
    nlp.set_error_handler(lambda name, pipe, docs, error: lost.extend((name, doc.text, error.what) for doc in docs))
    docs = list(nlp.pipe(["Anna sang.", "Anna is bad.", "Anna slept."]))
    assert [doc.text for doc in docs] == ["Anna sang.", "Anna slept."]
    assert lost == [("kgbuilder", "Anna is bad.", "the model slept")]


def test_an_extractor_that_fails_altogether_loses_the_batch(told):
    def broken(passage):
        raise ModelError("no server", where="http://h")

    nlp, _ = told(broken)
    with pytest.raises(ModelError, match="no server"):
        list(nlp.pipe(["a", "b"]))
    lost = []
    nlp.set_error_handler(lambda name, pipe, docs, error: lost.extend(doc.text for doc in docs))
    assert list(nlp.pipe(["a", "b", "c"], batch_size=2)) == []
    assert lost == ["a", "b", "c"]


def test_what_cannot_be_grounded_is_kept_with_its_reason(told):
    unread = Quarantined(reason="unreadable", claim="{}", detail="cut off")
    nlp, _ = told(lambda p: stated(p, [named("Atlantis", "LOC", 0)], state="quarantined", quarantined=(unread,)))
    doc = nlp(EN)
    assert doc.ents == ()
    assert [row[0] for row in doc.user_data["quarantined"]] == ["unreadable", "not in the text"]


# Saving


@pytest.mark.parametrize(("language", "text"), [("zh", ZH), ("en", EN)])
def test_a_pipeline_is_saved_and_loaded(tmp_path, language, text):
    nlp = pipeline(language, types=["PER", "ORG"], min_score=0.3)
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    assert loaded.get_pipe("kgbuilder").settings == nlp.get_pipe("kgbuilder").settings
    assert rows(loaded(text)) == rows(nlp(text)) != set()
    again = spacy.blank(language)
    again.add_pipe("kgbuilder", config={"extractor": "lexicon"})
    again.from_bytes(nlp.to_bytes())
    assert again.get_pipe("kgbuilder").settings.types == ("PER", "ORG")
    assert entities(again(text)) == entities(nlp(text))


def test_wrong_settings_on_disk_are_told_and_change_nothing(tmp_path):
    pipe = KGBuilderPipe(PipeSettings(extractor="lexicon", types=("PER",)))
    with pytest.raises(ConfigError, match="min_score"):
        pipe.from_bytes(b'{"min_score": 7}')
    with pytest.raises(ConfigError, match="no extractor"):
        pipe.from_bytes(b'{"extractor": "nobody"}')
    with pytest.raises(ConfigError, match="cannot be read"):
        pipe.from_disk(tmp_path / "none")
    assert pipe.settings == PipeSettings(extractor="lexicon", types=("PER",))


def test_new_settings_close_the_old_extractor(told):
    nlp, extractor = told(())
    pipe = nlp.get_pipe("kgbuilder")
    pipe.from_bytes(b'{"extractor": "told", "min_score": 0.5}')
    assert (extractor.n_closed, pipe.settings.min_score) == (1, 0.5)


def test_neither_a_copy_nor_a_forked_process_uses_the_extractor_of_another(told, monkeypatch):
    nlp, extractor = told(())
    pipe = nlp.get_pipe("kgbuilder")
    assert extractor not in pipe.__getstate__().values()
    monkeypatch.setattr("kgbuilder.extract.load_extractor", lambda name, ontology, settings: Told(stated))
    nlp(EN)
    monkeypatch.setattr("kgbuilder.spacy_pipe.os.getpid", lambda: -1)
    nlp(EN)
    assert (extractor.calls, extractor.n_closed) == ([[EN]], 0)


def test_a_pickled_pipeline_reads_on(lexicon):
    nlp = pickle.loads(pickle.dumps(lexicon["en"]))
    assert rows(nlp(EN)) == rows(lexicon["en"](EN))


def test_several_processes_say_the_same(lexicon):
    texts = [EN, "", EN + " " + EN, ODD["emoji"]] * 2
    wanted = [(entities(doc), rows(doc)) for doc in lexicon["en"].pipe(texts)]
    docs = list(lexicon["en"].pipe(texts, n_process=2, batch_size=3))
    assert [(entities(doc), rows(doc)) for doc in docs] == wanted


def test_a_closed_component_reads_on(told):
    nlp, extractor = told(([named("Mira Holt", "PER", 0)],))
    pipe = nlp.get_pipe("kgbuilder")
    pipe.close()
    pipe.close()
    assert extractor.n_closed == 1
    assert entities(nlp(EN)) == [("Mira Holt", "Person")]


def test_documents_keep_their_triples_when_they_are_saved(lexicon):
    doc = lexicon["zh"]("😀" + ZH)
    wanted = [(t.head.text, t.relation, t.tail.text, t.score, t.tail_start) for t in doc._.triples]
    from_bytes = Doc(lexicon["zh"].vocab).from_bytes(doc.to_bytes())
    [from_bin] = DocBin(docs=[doc], store_user_data=True).get_docs(spacy.blank("zh").vocab)
    for copy in (from_bytes, from_bin):
        assert [(t.head.text, t.relation, t.tail.text, t.score, t.tail_start) for t in copy._.triples] == wanted
        assert entities(copy) == entities(doc)


# The corpus as a DocBin

PASSAGES = (
    marked("[1:PER 林知远][2:TIME 1978年3月]生于[3:LOC 绍兴]，[1:PER 林]😀。 || 1 place_of_birth 3; 1 date_of_birth 2"),
    marked("[1:ORG Tallow Works] was founded by [2:PER Mira Holt]. || 1 founded_by 2", id="en_test-1", language="en"),
    marked("今天下雨。 ||", id="zh_test-2"),
)


def read_back(path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))


def test_passages_come_back_from_the_file(tmp_path):
    written = write_docbin(tmp_path / "a.spacy", iter(PASSAGES))
    assert (written.n_passages, written.n_mentions, written.n_triples, written.misfits) == (3, 6, 3, ())
    docs = read_back(tmp_path / "a.spacy")
    for doc, passage in zip(docs, PASSAGES, strict=True):
        assert doc.text == passage.text
        assert [(e.start_char, e.end_char, e.ent_id_) for e in doc.ents] == [
            (m.start, m.end, m.type) for m in passage.mentions
        ]
        assert [e.label_ for e in doc.ents] == [GENERAL.entity_types[m.type].label for m in passage.mentions]
        assert {token.ent_iob_ for token in doc} <= {"B", "I", "O"}
        assert {doc.user_data[key] for key in ("id", "source", "language")} == {
            passage.id,
            passage.source,
            passage.language,
        }
    assert docs[0].user_data["triples"] == ((0, 3, "place_of_birth", 12, 14), (0, 3, "date_of_birth", 3, 10))
    assert docs[1].user_data["triples"] == ((0, 12, "founded_by", 28, 37),)
    assert docs[2].user_data["triples"] == ()
    assert [(t.head.text, t.tail.text, t.score) for t in doc_triples(docs[1])] == [("Tallow Works", "Mira Holt", 1.0)]


def test_what_tokens_do_not_fit_is_told(tmp_path):
    line = "[1:PER Holt] ([2:TIME 1884]–[3:TIME 1951]) took [4:TERM vitamin D]. || 1 date_of_birth 2; 1 date_of_death 3"
    passage = marked(line, id="en_test-2", language="en")
    written = write_docbin(tmp_path / "a.spacy", [passage])
    assert [(misfit.text, misfit.left_out) for misfit in written.misfits] == [
        ("1884", False),
        ("vitamin D", False),
        ("1951", True),
    ]
    assert all(str(misfit).startswith("en_test-2.txt:1: ") for misfit in written.misfits)
    [doc] = read_back(tmp_path / "a.spacy")
    assert [e.text for e in doc.ents] == ["Holt", "1884–1951", "vitamin D."]
    assert doc.user_data["triples"] == ((0, 4, "date_of_birth", 6, 10), (0, 4, "date_of_death", 11, 15))


def test_spacy_trains_from_the_file(tmp_path):
    write_docbin(tmp_path / "a.spacy", PASSAGES)
    [chinese, *_] = Corpus(tmp_path / "a.spacy")(spacy.blank("zh"))
    assert chinese.get_aligned_ner()[:3] == ["B-Person", "I-Person", "L-Person"]


def corpus(*arguments) -> int:
    return main(["corpus", "docbin", *map(str, arguments)])


@pytest.fixture
def files(tmp_path):
    made = {}
    for name, line in (
        ("zh_a.txt", "[1:PER 甲]与[2:PER 乙]结婚。 || 1 spouse 2"),
        ("en_a.txt", "[1:TERM vitamin D]. ||"),
    ):
        made[name[:2]] = tmp_path / name
        made[name[:2]].write_text(line + "\n", encoding="utf-8")
    return made


def test_the_command_writes_files_and_tells_what_does_not_fit(tmp_path, files, capsys):
    out = tmp_path / "a.spacy"
    assert corpus(out, *files.values()) == 0
    assert [doc.user_data["language"] for doc in read_back(out)] == ["zh", "en"]
    err = capsys.readouterr().err
    assert "TERM vitamin D ends inside a token: widened to whole tokens" in err
    assert "2 passages with 3 mentions and 1 triples" in err
    assert "1 were widened to whole tokens and 0 left out" in err


@pytest.mark.parametrize("last", [False, True], ids=["options first", "options between"])
def test_the_command_takes_one_language(tmp_path, files, last):
    out = tmp_path / "a.spacy"
    arguments: Sequence[object] = (out, "--language", "zh") if last else ("--language", "zh", out)
    assert corpus(*arguments, *files.values()) == 0
    assert [doc.text for doc in read_back(out)] == ["甲与乙结婚。"]


def test_the_command_takes_a_part_of_the_corpus(tmp_path, monkeypatch, capsys):
    written = [*PASSAGES[:2], *read_some()]
    monkeypatch.setattr("training.data.command.read_corpus", lambda: tuple(written))
    counts = {}
    for part in ("train", "dev", "test", "test_unseen"):
        assert corpus(tmp_path / "a.spacy", "--split", part) == 0
        counts[part] = len(read_back(tmp_path / "a.spacy"))
    assert counts["train"] + counts["dev"] + counts["test"] == len(written)
    assert counts["test_unseen"] <= counts["test"] > 0


def read_some():
    from training.data.corpus import corpus_files

    first = {path.name[:2]: path for path in reversed(corpus_files())}
    return [passage for path in first.values() for passage in read_marked(path)[:30]]


def test_a_part_is_of_the_whole_corpus_only(tmp_path, files, capsys):
    assert corpus(tmp_path / "a.spacy", "--split", "test", files["zh"]) == 1
    assert "docbin: --split is of the whole written corpus" in capsys.readouterr().err


def test_a_corpus_file_is_never_written_over(files, capsys):
    with pytest.raises(SystemExit) as ended:
        corpus(files["zh"])
    assert ended.value.code == 2
    assert "does not end with .spacy" in capsys.readouterr().err
    assert files["zh"].read_text(encoding="utf-8").startswith("[1:PER")


def test_a_folder_that_is_not_there_is_told(tmp_path, files, capsys):
    assert corpus(tmp_path / "none" / "a.spacy", files["zh"]) == 1
    assert "cannot be written" in capsys.readouterr().err
