"""The annotated real sentences, read in place, and the list of those that are never trained on."""

from collections import Counter

import pytest

from kgbuilder.errors import IngestError
from tests.training.samples import DATA, REAL, needs_data, needs_real, write_rows
from training.data import CorpusError
from training.data.folders import corpus_folder
from training.data.held_out import read_held_out
from training.data.real import read_real
from training.data.rows import Texts
from training.data.standoff import read_marked_refs, write_standoff


def real_folder(tmp_path, raw, marked):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "zh_1.raw.txt").write_text(raw, encoding="utf-8")
    (tmp_path / "zh_1.txt").write_text(marked, encoding="utf-8")
    return tmp_path


def test_marked_lines_take_their_ids_from_the_raw_lines(tmp_path):
    raw = "batch-0001-0002\t琼斯走了。\nfinre-train-7\t上航合并。\nbatch-0001-0003\t没有标。\n"
    passages = read_real(real_folder(tmp_path, raw, "[1:PER 琼斯]走了。 ||\n[1:ORG 上航]合并。 ||\n"))
    assert [(p.id, p.source, p.text) for p in passages] == [
        ("uner_zh.train:batch-0001-0002", "real", "琼斯走了。"),
        ("finre.train:finre-train-7", "real", "上航合并。"),
    ]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("batch-1\t琼斯来了。\n", "differs from uner_zh.train:batch-1 at character 2"),
        ("琼斯走了。\n", "no raw line of a known source"),
        ("", "no raw line of a known source"),
        ("other-1\t琼斯走了。\n", "no raw line of a known source"),
    ],
)
def test_a_marked_line_that_does_not_fit_its_raw_line_is_a_mistake(tmp_path, raw, says):
    with pytest.raises(CorpusError, match=says) as caught:
        read_real(real_folder(tmp_path, raw, "[1:PER 琼斯]走了。 ||\n"))
    assert str(tmp_path / "zh_1.txt") + ":1" in str(caught.value)


def test_a_folder_without_sentences_is_told(tmp_path):
    with pytest.raises(IngestError, match="no annotated sentences"):
        read_real(tmp_path)


@needs_real
def test_the_real_sentences_can_be_read():
    passages = read_real(REAL)
    assert len(passages) >= 770
    assert all(passage.text[m.start : m.end].strip() for passage in passages for m in passage.mentions)


@needs_real
@needs_data
def test_each_is_a_row_of_the_public_data():
    texts = Texts(DATA)
    assert all(texts.find(*p.id.split(":", 1)) == (p.text, p.language) for p in read_real(REAL))


def test_the_list_of_held_out_sentences_has_150_chinese_ones_each_once():
    refs = [ref for ref in read_held_out(corpus_folder()) if ref.startswith(("uner_zh.train:", "finre.train:"))]
    assert len(refs) == len(set(refs)) == 150


@needs_real
def test_held_out_sentences_are_spread_over_the_files():
    held_out = set(read_held_out(corpus_folder()))
    files = Counter(p.where.rpartition("/")[2].partition(".")[0] for p in read_real(REAL) if p.id in held_out)
    assert files == {"zh_1": 29, "zh_2": 29, "zh_3": 29, "zh_4": 5, "zh_5": 29, "zh_6": 29}


def held_out_corpus(tmp_path, lines, n_standoff=0):
    (tmp_path / "held_out.txt").write_text(lines, encoding="utf-8")
    if n_standoff:
        write_rows(tmp_path, "kn", *({"id": str(n), "text": f"Sentence {n}."} for n in range(n_standoff)))
        marked = tmp_path / "en_1.txt"
        marked.write_text("".join(f"kn:{n}\tSentence {n}. ||\n" for n in range(n_standoff)), encoding="utf-8")
        write_standoff(tmp_path / "standoff" / "en_1.jsonl", read_marked_refs(marked, Texts(tmp_path)))
    return tmp_path


def test_the_first_of_a_standoff_file_are_held_out_as_soon_as_it_is_there(tmp_path):
    lines = "# comment\n\nuner_zh.train:b-1\nen_1 first 2\n"
    assert read_held_out(held_out_corpus(tmp_path, lines)) == ("uner_zh.train:b-1",)
    assert read_held_out(held_out_corpus(tmp_path, lines, n_standoff=3)) == ("uner_zh.train:b-1", "kn:0", "kn:1")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("kn:0\nb-1\n", "'b-1' is no reference"),
        ("kn:0\nkn:0\n", "kn:0 stands at"),
        ("kn:0\nen_1 first 9\n", "has 3 lines, not 9"),
    ],
)
def test_a_wrong_line_of_the_list_is_a_mistake(tmp_path, lines, says):
    with pytest.raises(CorpusError, match=says) as caught:
        read_held_out(held_out_corpus(tmp_path, lines, n_standoff=3))
    assert "held_out.txt:2" in str(caught.value)
