"""The published samples, reproduced byte for byte. They are not ours to ship: without them these tests skip."""

import json
import os
from pathlib import Path
from random import Random

import pytest

from kgbuilder.instructions import Conversion, parse, read_schema, records_to_instructions

FOLDER = Path(os.environ.get("KGBUILDER_IEPILE", Path(__file__).parents[3] / "shared" / "conformance" / "iepile"))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the samples of zjunlp/IEPile are not here; set KGBUILDER_IEPILE to their folder"
)
TASKS = ("NER", "RE")


def lines(task: str, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / task / name).read_text(encoding="utf-8").splitlines()]


def published_order(task: str) -> tuple[str, ...]:
    """The order of the schema in the published test file: there it was that of a set."""
    prompts = [json.loads(record["instruction"]) for record in lines(task, "test.json")]
    return tuple(name for prompt in prompts if prompt["input"] == prompts[0]["input"] for name in prompt["schema"])


def written(records: object) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def published(task: str, name: str) -> str:
    return (FOLDER / task / name).read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("task", TASKS)
def test_the_order_found_holds_the_whole_schema(task):
    schema = read_schema((FOLDER / task / "schema.json").read_text(encoding="utf-8"), task)
    assert sorted(published_order(task)) == sorted(schema)


@pytest.mark.parametrize("task", TASKS)
def test_the_test_file_is_reproduced(task):
    conversion = Conversion(task=task, schema=published_order(task))
    made = records_to_instructions(lines(task, "sample.json"), conversion, variant="test")
    assert written(made) == published(task, "test.json")


def test_the_sorted_training_file_is_reproduced():
    schema = read_schema((FOLDER / "RE" / "schema.json").read_text(encoding="utf-8"), "RE")
    made = records_to_instructions(lines("RE", "sample.json"), Conversion(task="RE", schema=schema))
    assert written(made) == published("RE", "train.json")


def test_the_shuffled_training_file_is_reproduced():
    conversion = Conversion(task="NER", schema=published_order("NER"))
    made = records_to_instructions(lines("NER", "sample.json"), conversion, random_sort=Random(42))
    assert written(made) == published("NER", "train.json")


@pytest.mark.parametrize("keys", [("head", "tail"), ("subject", "object")])
def test_a_perfect_answer_scores_all_of_the_gold(keys):
    schema = read_schema((FOLDER / "RE" / "schema.json").read_text(encoding="utf-8"), "RE")
    conversion = Conversion(task="RE", schema=schema, keys=keys)
    for record in lines("RE", "sample.json"):
        found = {
            (claim.head, claim.relation, claim.tail)
            for made in records_to_instructions([record], conversion)
            for claim in parse("RE", made["output"], json.loads(made["instruction"])["schema"]).triples
        }
        assert found == {(gold["head"], gold["relation"], gold["tail"]) for gold in record["relation"]}


def test_every_published_answer_is_read():
    gold = {(r["text"], e["entity"], e["entity_type"]) for r in lines("NER", "sample.json") for e in r["entity"]}
    found = set()
    for record in lines("NER", "train.json"):
        prompt = json.loads(record["instruction"])
        parsed = parse("NER", record["output"], prompt["schema"])
        found |= {(prompt["input"], claim.text, claim.label) for claim in parsed.mentions}
    for record in lines("NER", "test.json"):
        prompt = json.loads(record["instruction"])
        parsed = parse("NER", record["label"], prompt["schema"])
        assert {(prompt["input"], claim.text, claim.label) for claim in parsed.mentions} <= gold
    assert found == gold
