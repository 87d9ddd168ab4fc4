"""What is counted, and what is written in the form of the public rows."""

import json

from kgbuilder.score import read_annotated
from tests.training.samples import passage
from training.data.jsonl import row_line
from training.data.statistics import MIN_PASSAGES, count_passages, lay_out

LINE = "[1:PER 林知远]与[2:PER 苏晚]成婚，[1:PER 林]任[3:TERM 教师]，[3:TERM 教师]。 || 1 spouse 2; 1 occupation 3"


def test_passages_mentions_and_triples_are_counted_by_language():
    found = count_passages([passage(LINE), passage("It rains in [1:LOC Oslo]. ||", id="en_a-1", language="en")])
    assert found.n_passages == {"zh": 1, "en": 1}
    assert found.n_mentions["zh"] == {"PER": 3, "TERM": 2}
    assert found.n_triples["zh"] == {"spouse": 1, "occupation": 1}
    assert found.n_without_triple == {"zh": 0, "en": 1}
    assert found.n_unused["en"] == {"LOC": 1}
    assert not found.n_unused["zh"]
    assert found.by_source == {"zh_test": 1, "en_a": 1}
    assert found.repeated[0] == ("教师", 2)


def test_a_relation_is_scarce_until_enough_passages_state_it():
    twice = "[1:PER 甲]和[2:PER 乙]，[3:PER 丙]和[4:PER 丁] || 1 spouse 2; 3 spouse 4"
    scarce = {key[:2]: key[2] for key in count_passages([passage(twice)] * (MIN_PASSAGES - 1)).scarce()}
    assert scarce["zh", "spouse"] == MIN_PASSAGES - 1
    assert scarce["zh", "author"] == 0
    enough = count_passages([passage(twice)] * MIN_PASSAGES)
    assert ("zh", "spouse") not in {key[:2] for key in enough.scarce()}
    assert not any(language == "en" for language, _, _ in enough.scarce())


def test_the_report_names_every_type_and_relation_with_its_numbers():
    lines = list(lay_out(count_passages([passage(LINE)] * 3)))
    assert any(line.split() == ["spouse", "3", "(3)", "3", "(3)"] for line in lines)
    assert any(line.split() == ["PER", "9", "9"] for line in lines)
    assert any("zh spouse 3" in line for line in lines)


def test_rows_are_what_evaluate_reads(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(row_line(passage(LINE)) + "\n", encoding="utf-8")
    (record,) = read_annotated(file)
    assert [(e.text, e.type) for e in record.entities][:3] == [("林知远", "PER"), ("苏晚", "PER"), ("林", "PER")]
    assert [(t.head, t.relation, t.tail) for t in record.triples] == [
        ("林知远", "spouse", "苏晚"),
        ("林知远", "occupation", "教师"),
    ]
    assert json.loads(row_line(passage(LINE)))["triples"][0]["head_span"] == [0, 3]
