"""Measure the lexicon extractor: loading time, CPU ms a passage of 1,500 characters, and F1 on annotated files.

    python bench/lexicon.py [FILE.jsonl ...]

Without files only the speed is measured, on texts made here.
"""

import sys
import time
from pathlib import Path

from graph_schema import load_ontology
from kgbuilder.extract.lexicon import create
from kgbuilder.ids import content_id
from kgbuilder.records import Passage
from kgbuilder.score import Scores, evaluate, read_annotated

N_PASSAGES = 60
N_CHARS = 1500

ZH = (
    "林知远，1978年3月出生于浙江绍兴，毕业于浙江大学，师从竺仲言。2006年，他在杭州创办澜岳精工科技股份有限公司，任董事长。"
    "公司总部位于杭州市滨江区，注册资本1.2亿元，现有员工1280人，2023年营业收入9.6亿元。妻子阮玉蝶是画家，著有《白鹭渡口》。"
    "电影《白鹭渡口》由程亦川执导，贺行舟、阮知夏主演，2018年6月8日上映。高血压可导致脑卒中，头晕、头痛是高血压的常见症状。"
    "第六届棠州国际电影节于2018年10月12日在棠州举行，由棠州市人民政府主办。那天下着雨，许多人站在码头上看船，谁也没有说话。"
)
EN = (
    "Margaret Ashdown was born in Cardiff on 7 November 1971 and studied physics at the University of Leeds. She "
    "founded Pellworth Instruments Ltd in Bristol in 1998 with her husband, Colin Pryce, an engineer. The company is "
    "headquartered in Bristol and employs 140 people; in 2018 it had revenue of £18.7 million. Her novel The Salt "
    "Ledger was published by Quayside Press in 2004 and won the Booker Prize. It rained for most of that week, and "
    "the people who had come to see the boats went home early without saying much. "
)


def main(paths: list[str]) -> None:
    started = time.process_time()
    extractor = create(load_ontology("general"), {})
    for language, text in (("zh", ZH), ("en", EN)):
        list(extractor.extract([_passage(text, language, 0)]))
    print(f"load, both languages: {time.process_time() - started:.2f} CPU s, imports included")
    for language, text in (("zh", ZH), ("en", EN)):
        passages = [_passage((text * 9)[:N_CHARS], language, seq) for seq in range(N_PASSAGES)]
        started = time.process_time()
        found = list(extractor.extract(passages))
        spent_ms = (time.process_time() - started) * 1000 / N_PASSAGES
        print(f"{language}: {spent_ms:.1f} CPU ms a passage, {len(found[0].triples)} triples each")
    for path in paths:
        report = evaluate(read_annotated(Path(path)), extractor, load_ontology("general"))
        print(f"{Path(path).name}: entities {_line(report.entities)}; triples {_line(report.triples)}")


def _passage(text: str, language: str, seq: int) -> Passage:
    return Passage(id=content_id("passage", language, f"{seq}{text}"), text=text, language=language)


def _line(scores: Scores) -> str:
    score = scores.overall
    return f"P {score.precision:.3f} R {score.recall:.3f} F1 {score.f1:.3f} n {score.n}"


if __name__ == "__main__":
    main(sys.argv[1:])
