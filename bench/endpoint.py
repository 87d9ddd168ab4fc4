"""The endpoint extractor and grounding against a model server in another process: python -m bench.endpoint."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.machine import ROOT, machine, spread
from graph_schema import Ontology, load_ontology
from kgbuilder.extract.endpoint import create
from kgbuilder.extract.ground import ground
from kgbuilder.extract.prompts import Questions
from kgbuilder.ids import content_id
from kgbuilder.ingest import count_tokens, sentences
from kgbuilder.records import Extraction, Passage

N_CHARS = 1_500
_FACTS = {
    "zh": (
        ("{org}由{per}于{time}在{loc}创立。", (("org", "founded_by", "per"), ("org", "inception", "time"))),
        ("{per}出生于{loc}，后来一直在外地求学。", (("per", "place_of_birth", "loc"),)),
        ("{org}的总部设在{loc}。", (("org", "headquarters", "loc"),)),
    ),
    "en": (
        ("{org} was founded by {per} in {time}. ", (("org", "founded_by", "per"), ("org", "inception", "time"))),
        ("{per} was born in {loc} and went to school elsewhere. ", (("per", "place_of_birth", "loc"),)),
        ("{org} has its headquarters in {loc}. ", (("org", "headquarters", "loc"),)),
    ),
}
_FILLERS = {
    "zh": (
        "会议在下午结束，与会者对各项安排没有提出不同意见。",
        "过去几年里，这个行业经历了不少起伏，许多同行都调整了方向。",
        "天气转凉以后，街上的行人渐渐少了，店铺也早早打烊。",
        "有人认为这样的做法过于谨慎，也有人觉得恰到好处。",
    ),
    "en": (
        "The meeting ended in the afternoon, and nobody raised an objection to the plans. ",
        "Over the past years the trade has seen many ups and downs, and some have changed course. ",
        "When the weather turned cold there were fewer people in the streets. ",
        "Some thought the approach too careful, while others found it just right. ",
    ),
}
_LABELS = {"org": "ORG", "per": "PER", "loc": "LOC", "time": "TIME"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Passages, and the answers file that knows what their sentences state."""

    passages: tuple[Passage, ...]
    answers: Path


def make_world(folder: Path, n_passages: int, seed: int = 0) -> World:
    """Write passages of 1,500 characters, every other one Chinese, with about 12 names and 6 triples each."""
    draw = Random(seed)
    rows: dict[str, str] = {}
    passages = []
    for number in range(n_passages):
        language = ("zh", "en")[number % 2]
        text = _write(language, draw, rows)
        passages.append(Passage(id=content_id("passage", language, text), text=text, language=language))
    answers = folder / "answers.jsonl"
    answers.write_text("\n".join(rows.values()) + "\n", encoding="utf-8")
    return World(passages=tuple(passages), answers=answers)


def _write(language: str, draw: Random, rows: dict[str, str]) -> str:
    n_facts = 4
    parts: list[str] = []
    facts = [_fact(language, draw, rows) for _ in range(n_facts)]
    while sum(map(len, parts)) + sum(map(len, facts)) < N_CHARS:
        parts.append(draw.choice(_FILLERS[language]))
    for fact in facts:
        parts.insert(draw.randrange(len(parts) + 1), fact)
    return "".join(parts)


def _fact(language: str, draw: Random, rows: dict[str, str]) -> str:
    pattern, triples = draw.choice(_FACTS[language])
    names = _names(language, draw)
    text = pattern.format(**names)
    used = [role for role in names if "{" + role + "}" in pattern]
    entities = [{"text": names[role], "label": _LABELS[role]} for role in used]
    stated = [{"head": names[head], "relation": relation, "tail": names[tail]} for head, relation, tail in triples]
    row = {"text": text.strip(), "entities": entities, "triples": stated}
    rows[text] = json.dumps(row, ensure_ascii=False)
    return text


def _names(language: str, draw: Random) -> dict[str, str]:
    year = str(draw.randrange(1900, 2020))
    if language == "zh":
        given = "".join(draw.choices("知远明海若岚文博秋白正邦令仪", k=2))
        firm = "".join(draw.choices("海纳砺锋云栖汐虹茗锐渤滨沃野", k=4))
        town = "".join(draw.choices("苏嘉绍临义乐永平南北", k=2))
        return {
            "org": firm + "有限公司",
            "per": draw.choice("林陈顾施游") + given,
            "loc": town + "市",
            "time": year + "年",
        }
    firm = draw.choice(("Kestrel", "Harrow", "Bluefin", "Torvik")) + " " + draw.choice(("Freight", "Foods", "Glass"))
    person = draw.choice(("Odile", "Tobias", "Ines", "Lars")) + " " + draw.choice(("Renwick", "Carvalho", "Dorn"))
    return {"org": f"{firm} {draw.randrange(1000)}", "per": person, "loc": f"Port {person.split()[0]}", "time": year}


@contextmanager
def serving(answers: Path, *options: str) -> Iterator[str]:
    """Run the model server of the tests in another process; yield its URL."""
    command = [sys.executable, "-m", "tests.servers.model", "--answers", str(answers), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        try:
            assert program.stdout is not None
            yield program.stdout.readline().strip()
        finally:
            program.terminate()


def _stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=10) as response:
        counts: dict[str, int] = json.loads(response.read())
        return counts


def _run(world: World, ontology: Ontology, url: str, **settings: object) -> tuple[float, float, list[Extraction]]:
    """Extract every passage once; return CPU and wall seconds and what came."""
    extractor = create(ontology, {"url": url, "model": "test-model", **settings})
    cpu, wall = time.process_time(), time.perf_counter()
    found = list(extractor.extract(world.passages))
    spent = time.process_time() - cpu, time.perf_counter() - wall
    extractor.close()
    return *spent, found


def _measure(title: str, world: World, ontology: Ontology, n_runs: int, *options: str, **settings: object) -> None:
    n_passages = len(world.passages)
    cpu_ms, rates = [], []
    for _ in range(n_runs):
        with serving(world.answers, *options) as url:
            cpu_s, wall_s, found = _run(world, ontology, url, **settings)
            n_requests = _stats(url)["requests"]
        cpu_ms.append(cpu_s / n_passages * 1e3)
        rates.append(n_requests / wall_s)
    n_done = sum(extraction.state == "done" for extraction in found)
    print(
        f"  {title:44} {spread(cpu_ms, '.2f')} CPU ms/passage {spread(rates, '.0f')} requests/s "
        f"{n_requests / n_passages:5.1f} calls/passage, {n_done} of {n_passages} done"
    )


def _measure_ground(world: World, ontology: Ontology, n_runs: int) -> None:
    with serving(world.answers) as url:
        found = {item.passage_id: item for item in _run(world, ontology, url)[2]}
    spans = {passage.id: sentences(passage.text, passage.language) for passage in world.passages}
    times: dict[str, list[float]] = {"zh": [], "en": []}
    n_mentions = n_triples = 0
    for language, values in times.items():
        chosen = [passage for passage in world.passages if passage.language == language]
        for _ in range(n_runs):
            start = time.process_time()
            for passage in chosen:
                grounded = ground(
                    found[passage.id],
                    text=passage.text,
                    document_id="d",
                    offset=0,
                    sentences=spans[passage.id],
                    ontology=ontology,
                )
            values.append((time.process_time() - start) / len(chosen) * 1e3)
        n_mentions, n_triples = len(grounded.mentions), len(grounded.triples)
    for language, values in times.items():
        shown = f"{n_mentions} mentions, {n_triples} triples in the last passage"
        print(f"  {'ground, ' + language:44} {spread(values, '.2f')} CPU ms/passage ({shown})")


def _count_prompts(world: World, ontology: Ontology) -> str:
    """Say how many tokens of prompts a character of text costs, by our own estimate of tokens."""
    questions = Questions(ontology)
    parts = []
    for language in ("zh", "en"):
        chosen = [passage for passage in world.passages if passage.language == language]
        n_chars = sum(len(passage.text) for passage in chosen)
        n_tokens = sum(count_tokens(questions.joint(passage).prompt) for passage in chosen)
        parts.append(f"{language} {n_tokens / n_chars:.2f}")
    return ", ".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.endpoint", description=__doc__)
    parser.add_argument("--passages", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args(argv)
    ontology = load_ontology("general")
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), given.passages)
        few = World(passages=world.passages[: given.passages // 5], answers=world.answers)
        print(f"{given.passages} passages of {N_CHARS} characters, median (lowest to highest) of {given.runs} runs")
        print(f"  {machine()}")
        print(f"  prompt tokens per character, joint: {_count_prompts(world, ontology)}")
        _measure("joint, no latency", world, ontology, given.runs)
        _measure("joint, no latency, streamed", world, ontology, given.runs, stream=True)
        _measure("joint, 200 ms, 64 slots (320 possible)", world, ontology, given.runs, "--latency", "0.2")
        _measure(
            "joint, 200 ms, 5 % faults",
            world,
            ontology,
            1,
            "--latency",
            "0.2",
            "--faults",
            "0.05",
            timeout_s={"total": 2},
        )
        _measure("iepile 6/4, narrowed", few, ontology, given.runs, mode="iepile")
        _measure("iepile 6/4, whole", few, ontology, given.runs, mode="iepile", narrow=False)
        _measure_ground(world, ontology, given.runs)


if __name__ == "__main__":
    main()
