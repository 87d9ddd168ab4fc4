"""Annotations without their texts: joined again exactly, or refused with the reason."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.samples import write_rows
from training.data import CorpusError
from training.data.corpus import read_all_standoff
from training.data.rows import Texts
from training.data.standoff import marked_ref, read_marked_refs, read_standoff, text_hash, write_standoff

TEXT = " 琼斯毕业于北卡罗来纳中央大学。\n"
MARKED = "[1:PER 琼斯]毕业于[2:ORG 北卡罗来纳中央大学]。 || 1 educated_at 2"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"id": "b-1", "lang": "zh", "text": TEXT}, {"id": "b-2", "lang": "zh", "text": "没有关系。"}]
    write_rows(folder, "uner_zh.train", *rows)
    return folder


def marked_file(tmp_path, *lines):
    file = tmp_path / "zh_7.txt"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def converted(tmp_path, data, *lines):
    out = tmp_path / "standoff" / "zh_7.jsonl"
    write_standoff(out, read_marked_refs(marked_file(tmp_path, *lines), Texts(data)))
    return out


def test_a_sentence_comes_back_with_offsets_into_the_text_of_the_row(tmp_path, data):
    out = converted(tmp_path, data, f"uner_zh.train:b-1\t{MARKED}")
    (passage,) = read_standoff(out, Texts(data))
    assert passage.text == TEXT
    assert [TEXT[m.start : m.end] for m in passage.mentions] == ["琼斯", "北卡罗来纳中央大学"]
    assert (passage.id, passage.language, passage.source) == ("uner_zh.train:b-1", "zh", "real")
    assert marked_ref(passage) == f"uner_zh.train:b-1\t{MARKED}"


def test_nothing_of_the_text_is_in_the_file(tmp_path, data):
    written = converted(tmp_path, data, f"uner_zh.train:b-1\t{MARKED}").read_text(encoding="utf-8")
    assert not any(char in written for char in "琼斯毕业大学")
    record = json.loads(written)
    assert set(record) == {"ref", "hash", "mentions", "triples"}
    assert record["hash"] == text_hash(TEXT)


def test_accepted_rules_are_kept(tmp_path, data):
    lines = ("# accepted bare-role: it is a name here", f"uner_zh.train:b-1\t{MARKED}")
    (passage,) = read_standoff(converted(tmp_path, data, *lines), Texts(data))
    assert passage.accepted == {"bare-role"}


@given(
    words=st.lists(st.text("甲乙丙丁ab 1", min_size=1, max_size=4), min_size=1, max_size=5), marked=st.integers(0, 31)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_writing_and_reading_changes_nothing(tmp_path, words, marked):
    words = [word.strip() or "戊" for word in words]
    write_rows(tmp_path, "s.train", {"id": "1", "lang": "zh", "text": "".join(words)})
    line = "".join(f"[{n}:TERM {word}]" if marked >> n & 1 else word for n, word in enumerate(words))
    passages = read_marked_refs(marked_file(tmp_path, f"s.train:1\t{line} ||"), Texts(tmp_path))
    write_standoff(tmp_path / "s.jsonl", passages)
    assert read_standoff(tmp_path / "s.jsonl", Texts(tmp_path)) == passages


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (MARKED, "there is no tab"),
        (f"b-1\t{MARKED}", "'b-1' is no reference"),
        (f"uner_zh.train:b-9\t{MARKED}", "the row 'b-9' is not in uner_zh.train.jsonl"),
        (f"uner_fr.train:b-1\t{MARKED}", "uner_fr.train:b-1: there is no such source"),
        (
            f"uner_zh.train:b-1\t{MARKED.replace('毕业', '就读')}",
            "differs from uner_zh.train:b-1 at character 2: '就读",
        ),
        ("uner_zh.train:b-2\t[1:MAN 没有]关系。 ||", "unknown type 'MAN'"),
    ],
)
def test_a_marked_line_that_does_not_fit_its_row_is_a_mistake(tmp_path, data, line, says):
    with pytest.raises(CorpusError) as caught:
        read_marked_refs(marked_file(tmp_path, line), Texts(data))
    (mistake,) = caught.value.mistakes
    assert says in mistake.what
    assert mistake.where.endswith("zh_7.txt:1")


def test_a_sentence_annotated_twice_is_a_mistake(tmp_path, data):
    with pytest.raises(CorpusError, match=r"stands at .*zh_7\.txt:1 already"):
        read_marked_refs(marked_file(tmp_path, *[f"uner_zh.train:b-1\t{MARKED}"] * 2), Texts(data))


def test_a_row_that_has_gone_or_has_another_text_is_told_for_each_line(tmp_path, data):
    lines = (f"uner_zh.train:b-1\t{MARKED}", "uner_zh.train:b-2\t没有关系。 ||")
    out = converted(tmp_path, data, *lines)
    write_rows(data, "uner_zh.train", {"id": "b-2", "lang": "zh", "text": "没有关系！"})
    with pytest.raises(CorpusError) as caught:
        read_standoff(out, Texts(data))
    gone, changed = caught.value.mistakes
    assert (gone.where, changed.where) == (f"{out}:1", f"{out}:2")
    assert "the row 'b-1' is not in" in gone.what
    assert "differs from the one that was annotated" in changed.what


def test_a_folder_without_the_source_is_told(tmp_path, data):
    out = converted(tmp_path, data, f"uner_zh.train:b-1\t{MARKED}")
    (data / "uner_zh.train.jsonl").unlink()
    with pytest.raises(CorpusError, match="there is no such source"):
        read_standoff(out, Texts(data))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mentions": [[0, 99, "PER", 1]], "triples": []}, f"lies outside the {len(TEXT)} characters"),
        ({"mentions": [[1, 3, "MAN", 1]], "triples": []}, "unknown type 'MAN'"),
        ({"mentions": [[1, 3, "PER", 1], [2, 4, "PER", 2]], "triples": []}, "'琼斯' and '斯毕' overlap"),
        ({"triples": [[1, "educated_at", 7]]}, "names 7, which is not marked"),
        ({"text": "the text itself"}, "this is no standoff"),
        ({"hash": None}, "this is no standoff"),
    ],
)
def test_a_line_that_is_wrong_is_a_mistake_with_its_place(tmp_path, data, change, says):
    out = converted(tmp_path, data, f"uner_zh.train:b-1\t{MARKED}")
    record = json.loads(out.read_text(encoding="utf-8")) | change
    out.write_text(json.dumps(record) + "\n", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_standoff(out, Texts(data))
    (mistake,) = caught.value.mistakes
    assert mistake.where == f"{out}:1"
    assert says in mistake.what


def test_every_file_of_the_folder_is_read_and_a_sentence_in_two_is_a_mistake(tmp_path, data):
    out = converted(tmp_path, data, f"uner_zh.train:b-1\t{MARKED}")
    (passage,) = read_all_standoff(data, folder=tmp_path)
    assert passage.where == f"{out}:1"
    write_standoff(out.with_name("zh_8.jsonl"), [replace(passage, mentions=(), triples=())])
    with pytest.raises(CorpusError, match=r"zh_8\.jsonl:1: the text stands at"):
        read_all_standoff(data, folder=tmp_path)


def test_measure_only_rows_are_refused(tmp_path, data):
    folder = tmp_path / "measure_only"
    folder.mkdir()
    write_rows(folder, "conll04.train", {"text": "A test."})
    with pytest.raises(CorpusError, match="no licence for training"):
        read_marked_refs(marked_file(tmp_path, "conll04.train:0\tA test. ||"), Texts(folder))
