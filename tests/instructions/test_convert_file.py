"""Files of records to files of instructions."""

import json
from pathlib import Path

import pytest

from kgbuilder.errors import ConfigError, ParseError
from kgbuilder.instructions import convert_file

RECORD = '{"text": "Ada met Ben.", "relation": [{"head": "Ada", "relation": "met", "tail": "Ben"}]}\n'
SCHEMA = '[]\n["a", "b", "c", "d", "e", "met"]\n{}'


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path, Path]:
    source, schema, out = tmp_path / "mine" / "sample.json", tmp_path / "schema.json", tmp_path / "train.json"
    source.parent.mkdir()
    source.write_text("\ufeff" + RECORD + "\n" + RECORD, encoding="utf-8")
    schema.write_text(SCHEMA, encoding="utf-8")
    return source, schema, out


def test_every_record_is_converted(files):
    assert convert_file(*files, task="RE") == 4
    records = [json.loads(line) for line in files[2].read_text(encoding="utf-8").splitlines()]
    assert [json.loads(record["instruction"])["schema"] for record in records[:2]] == [
        ["a", "b", "c", "d"],
        ["e", "met"],
    ]
    assert {record["source"] for record in records} == {"mine"}


def test_a_seed_gives_one_order_everywhere(files):
    def written(**options):
        convert_file(*files, task="RE", **options)
        return files[2].read_text(encoding="utf-8")

    assert written(random_sort=True, seed=1) == written(random_sort=True, seed=1)
    assert written(random_sort=True, seed=1) != written(random_sort=True, seed=2)
    assert written(random_sort=True) != written()


@pytest.mark.parametrize("bad", ["{", "[]", '{"text": 1}', '{"a": ' * 5000])
def test_a_bad_line_is_named_and_the_old_file_stays(files, bad):
    files[2].write_text("old")
    files[0].write_text(RECORD + bad + "\n")
    with pytest.raises(ParseError, match=r"sample\.json:2|record 2"):
        convert_file(*files, task="RE")
    assert files[2].read_text() == "old"
    assert [path.name for path in files[2].parent.iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize("option", [{"task": "EE"}, {"task": "RE", "language": "fr"}, {"task": "RE", "split": "dev"}])
def test_an_unknown_option_is_refused(files, option):
    with pytest.raises(ConfigError, match="choose"):
        convert_file(*files, **option)


def test_a_missing_or_unreadable_file_is_named(files, tmp_path):
    source, schema, out = files
    for arguments in (
        (tmp_path / "no.json", schema, out),
        (source, tmp_path / "no.json", out),
        (source, schema, tmp_path / "no" / "out.json"),
    ):
        with pytest.raises(ConfigError, match="cannot be"):
            convert_file(*arguments, task="RE")
    source.write_bytes("文".encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        convert_file(*files, task="RE")
