"""What a measurement might have found, made by hand; run as a program, it draws the picture of it to a file."""

import sys
from pathlib import Path

import numpy as np

from kgbuilder.extract.compact.decode import Reading, ReadMention, ReadTriple
from kgbuilder.extract.compact.model import FORMAT, ModelCard, RelationCard
from kgbuilder.score import AnnotatedEntity
from kgbuilder.score.compare import Mistake
from kgbuilder.score.report import Scorer
from training.data import Example, Mention, Triple
from training.quality.curves import ScoredItems
from training.quality.judge import Said, judge
from training.quality.measure import ClassExample, Measured, Probabilities, Quality

TEXT = "林知远生于绍兴，娶苏晚。"
SECRET = "不可引用之句：林知远生于绍兴。"


def example(id: str = "1", text: str = TEXT, language: str = "zh", source: str = "written") -> Example:
    names = [("林知远", "PER"), ("绍兴", "LOC"), *([("苏晚", "PER")] if "苏晚" in text else [])]
    spans = [(text.index(name), name, type_) for name, type_ in names]
    return Example(
        id=id,
        language=language,
        source=source,
        text=text,
        group=id,
        mentions=tuple(
            Mention(start=at, end=at + len(name), type=type_, entity=n) for n, (at, name, type_) in enumerate(spans)
        ),
        triples=(Triple(head=0, relation="place_of_birth", tail=1),),
        exhaustive_types=frozenset({"PER", "LOC"}),
        relations=frozenset({"place_of_birth", "spouse"}),
    )


def reply(one: Example) -> Said:
    """All entities but the last, the place of birth, and a marriage to a place."""
    mentions = tuple(ReadMention(start=m.start, end=m.end, type=m.type, score=0.9) for m in one.mentions[:2])
    triples = (
        ReadTriple(head=0, relation="place_of_birth", tail=1, score=0.8),
        ReadTriple(head=0, relation="spouse", tail=1, score=0.3),
    )
    return Said(reading=Reading(mentions=mentions, triples=triples), n_stated=2)


def measured(name: str, language: str, reader: str, one: Example, n: int = 12) -> Measured:
    scorer = Scorer(n_worst=0)
    for _ in range(n):
        scorer.add(judge(one, reply(one), name=name))
    return Measured(
        name=name, language=language, reader=reader, report=scorer.report(n_resamples=50), n_bare=4, n_bare_wrong=1
    )


def card() -> ModelCard:
    relation = RelationCard(id="spouse", pairs=(("PER", "PER"),), symmetric=True, threshold=1.0)
    return ModelCard(
        format=FORMAT,
        name="made_zh",
        language="zh",
        max_tokens=512,
        width=28,
        types=("PER", "LOC"),
        type_thresholds=(0.0, -1.0),
        relations=(relation,),
    )


def made_quality() -> Quality:
    one, other = example(), example("2", SECRET, source="real")
    scores = ScoredItems(scores=np.array([0.9, 0.8, 0.8, 0.2]), right=np.array([True, True, False, False]), n_gold=4)
    missed = AnnotatedEntity(text="苏晚", type="PER", start=9, end=11)
    return Quality(
        measured=(
            measured("written", "zh", "compact", one),
            measured("written", "zh", "lexicon", one),
            measured("written", "en", "lexicon", example(language="en")),
            measured("real_zh", "zh", "compact", other),
        ),
        probabilities=(Probabilities(name="written", language="zh", entities=scores, triples=scores),),
        examples=(
            ClassExample(language="zh", part="entities", text=TEXT, mistake=Mistake(kind="missed", gold=missed)),
        ),
        cards={"zh": card()},
        fingerprints={"compact": "c" * 32, "lexicon": "1" * 32},
        left_out=("sec_filings.test",),
    )


if __name__ == "__main__":
    from training.quality.picture import draw_quality

    draw_quality(made_quality(), Path(sys.argv[1]))
