"""`python -m training corpus`: what it prints, how it ends, and that the README of the corpus is true."""

import json
import re
import subprocess
import sys

import pytest

from tests.training.samples import DATA, REAL, needs_data, needs_real, write_rows
from training.__main__ import COMMANDS, main
from training.data import read_corpus
from training.data.corpus import corpus_files
from training.data.folders import CORPUS_REAL_VARIABLE, DATA_VARIABLE, corpus_folder
from training.data.statistics import count_passages

README = (corpus_folder() / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.delenv(CORPUS_REAL_VARIABLE, raising=False)


def corpus(*arguments):
    return main(["corpus", *map(str, arguments)])


def file(tmp_path, *lines, name="zh_a.txt"):
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.slow
def test_check_prints_file_line_and_rule_and_fails_for_what_is_wrong(tmp_path, capsys):
    path = file(tmp_path, "# comment", "[1:TIME 去年]下雨。 ||", "[1:TERM 心跳过速症]常见。 ||")
    assert corpus("check", path) == 1
    out, err = capsys.readouterr()
    assert f"{path}:2: relative-time: TIME 去年" in out
    assert f"{path}:3: unused-term: 心跳过速症" in out
    assert "2 passages: no mistake of form, 1 wrong, 1 doubtful" in err


@pytest.mark.slow
def test_doubts_do_not_fail_and_can_be_left_out(tmp_path, capsys):
    path = file(tmp_path, "[1:TERM 心跳过速症]常见。 ||")
    assert corpus("check", path) == 0
    assert "unused-term" in capsys.readouterr().out
    assert corpus("check", "--no-doubts", path) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_check_of_one_rule_as_counts_or_json(tmp_path, capsys):
    path = file(tmp_path, "[1:TIME 去年]下雨，[2:TIME 昨天]天晴。 ||", "[1:NUM 三年]过去了。 ||")
    assert corpus("check", "--counts", "--rule", "relative-time", path) == 1
    assert capsys.readouterr().out.split() == ["relative-time", "2", str(path)]
    assert corpus("check", "--json", path) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {(row["rule"], row["level"]) for row in rows} == {("relative-time", "wrong"), ("unused-duration", "wrong")}


def test_check_tells_every_mistake_of_form(tmp_path, capsys):
    paths = [file(tmp_path, "没有分隔", name="zh_a.txt"), file(tmp_path, "[1:MAN 甲] ||", name="zh_b.txt")]
    assert corpus("check", *paths) == 1
    err = capsys.readouterr().err
    assert f"{paths[0]}:1: " in err
    assert f"{paths[1]}:1: unknown type" in err


def test_rules_are_listed(capsys):
    assert corpus("check", "--rules") == 0
    assert "winner-participant" in capsys.readouterr().out


def test_stats_count_the_files_that_are_named(tmp_path, capsys):
    path = file(tmp_path, "[1:PER 甲]与[2:PER 乙]结婚。 || 1 spouse 2")
    assert corpus("stats", path) == 0
    assert re.search(r"^spouse +1 \(1\) +1 \(1\)$", capsys.readouterr().out, re.MULTILINE)
    assert corpus("stats", "--json", path) == 0
    assert json.loads(capsys.readouterr().out)["n_triples"] == {"zh": {"spouse": 1}}


def test_jsonl_prints_rows(tmp_path, capsys):
    assert corpus("jsonl", file(tmp_path, "[1:PER 甲]来了。 ||")) == 0
    assert json.loads(capsys.readouterr().out)["entities"][0]["text"] == "甲"


def test_a_part_is_of_the_whole_corpus_only(tmp_path, capsys):
    assert corpus("jsonl", "--split", "test", file(tmp_path, "[1:PER 甲]来了。 ||")) == 1
    assert "leave the files out" in capsys.readouterr().err


def test_standoff_goes_there_and_back(tmp_path, capsys):
    write_rows(tmp_path, "s.train", {"id": "1", "lang": "zh", "text": "甲来了。"})
    lines = file(tmp_path, "s.train:1\t[1:PER 甲]来了。 ||", name="zh_9.txt")
    out = tmp_path / "zh_9.jsonl"
    assert corpus("standoff", lines, "--data", tmp_path, "--out", out) == 0
    capsys.readouterr()
    assert corpus("standoff", out, "--data", tmp_path) == 0
    assert capsys.readouterr().out == lines.read_text(encoding="utf-8")


def test_standoff_without_the_data_says_where_to_name_it(tmp_path, capsys):
    assert corpus("standoff", file(tmp_path, "s:1\t甲 ||")) == 1
    assert DATA_VARIABLE in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(tmp_path, capsys):
    assert corpus("stats", "--real", tmp_path / "none") == 1
    assert "there is no such folder" in capsys.readouterr().err


@needs_real
def test_real_sentences_are_counted_where_their_folder_is_named(capsys, monkeypatch):
    monkeypatch.setenv(CORPUS_REAL_VARIABLE, str(REAL))
    assert corpus("stats", "--json") == 0
    assert json.loads(capsys.readouterr().out)["by_source"]["real uner_zh.train"] >= 600


@pytest.mark.slow
@needs_data
@needs_real
def test_splits_show_every_part(capsys):
    assert corpus("splits", "--data", DATA, "--real", REAL) == 0
    out = capsys.readouterr().out
    assert re.search(r"^test real_zh +150$", out, re.MULTILINE)
    assert re.search(r"^test written_unseen +\d{3}$", out, re.MULTILINE)


@pytest.mark.parametrize("given", [[], ["nope"], ["corpus"], ["corpus", "nope"], ["corpus", "check", "--rule", "nope"]])
def test_wrong_use_ends_with_2(given, capsys):
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(name in told for name in COMMANDS)


def test_it_runs_as_a_module_and_a_closed_pipe_is_no_crash():
    command = f"{sys.executable} -m training corpus jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["id"]
    assert done.stderr == ""


@pytest.mark.slow
def test_the_readme_lists_every_file_with_its_passages():
    passages = count_passages(read_corpus())
    listed = dict(re.findall(r"^\| `(\w+)\.txt` \| ([\d,]+) \|", README, re.MULTILINE))
    assert {name: int(n.replace(",", "")) for name, n in listed.items()} == passages.by_source
    assert set(listed) == {path.stem for path in corpus_files()}


def test_the_numbers_of_the_readme_are_true():
    found = count_passages(read_corpus())
    row = re.search(r"^\| passages \| ([\d,]+) \| ([\d,]+) \|$", README, re.MULTILINE)
    assert row
    assert [int(n.replace(",", "")) for n in row.groups()] == [found.n_passages["en"], found.n_passages["zh"]]
    for name, counts in (("mentions", found.n_mentions), ("triples", found.n_triples)):
        numbers = [f"{sum(counts[language].values()):,}" for language in ("en", "zh")]
        assert f"| {name} | {' | '.join(numbers)} |" in README


def test_the_readme_names_every_verb(capsys):
    with pytest.raises(SystemExit):
        main(["corpus", "--help"])
    verbs = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert len(verbs) == 6
    assert [verb for verb in verbs if f"python -m training corpus {verb}" not in README] == []
