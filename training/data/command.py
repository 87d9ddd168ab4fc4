"""`python -m training corpus`: check, count and convert annotated text."""
# ruff: noqa: T201  a command prints

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from kgbuilder.errors import ConfigError
from training.data.conventions import RULES, check_conventions, count_findings
from training.data.corpus import read_all_standoff, read_corpus, same_texts
from training.data.dataset import load_dataset
from training.data.docbin import write_docbin
from training.data.folders import CORPUS_REAL_VARIABLE, DATA_VARIABLE, corpus_folder, data_folder, optional_folder
from training.data.jsonl import row_line
from training.data.marked import LANGUAGES
from training.data.mistakes import refuse
from training.data.real import read_real
from training.data.records import AnnotatedPassage
from training.data.rows import Texts
from training.data.splits import split_passages
from training.data.standoff import marked_ref, read_marked_refs, read_standoff, write_standoff
from training.data.statistics import count_passages, lay_out
from training.data.views import vocabulary_of

__all__ = ["add_arguments", "run"]

_DOCBIN_USAGE = "%(prog)s OUT.spacy [--split PART] [--language en|zh] [--data DIR] [--real DIR] [FILE ...]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="every mistake of form, and every deviation from the conventions")
    stats = verbs.add_parser("stats", help="what there is, by language, type and relation, and what is scarce")
    jsonl = verbs.add_parser("jsonl", help="print passages in the form that `kgbuilder evaluate` reads")
    docbin = verbs.add_parser("docbin", help="write passages as documents of spaCy, in one DocBin", usage=_DOCBIN_USAGE)
    docbin.add_argument("out", type=_spacy_file, metavar="OUT.spacy", help="the file to write")
    for verb in (check, stats, jsonl, docbin):
        # With "*" argparse takes no FILE behind an option that stands between OUT.spacy and FILE.
        n_files = "+" if verb is docbin else "*"
        what = "files of marked lines (default: all)"
        verb.add_argument("files", nargs=n_files, type=Path, default=[], metavar="FILE", help=what).required = False
        _add_folders(verb, "where no FILE is named: their sentences too")
    check.add_argument("--rule", action="append", choices=[rule.name for rule in RULES], help="only this rule")
    check.add_argument("--no-doubts", action="store_true", help="only what is wrong by the conventions")
    check.add_argument("--counts", action="store_true", help="only the number of findings by rule and file")
    check.add_argument("--rules", action="store_true", help="list the rules")
    for verb in (stats, check):
        verb.add_argument("--json", action="store_true", help="for programs")
    for verb in (jsonl, docbin):
        verb.add_argument("--split", choices=("train", "dev", "test", "test_unseen"), help="only this part")
    docbin.add_argument("--language", choices=LANGUAGES, help="only the passages in this language")
    standoff = verbs.add_parser("standoff", help="FILE.txt to standoff/FILE.jsonl; FILE.jsonl to marked lines")
    standoff.add_argument("file", type=Path, help="lines of source:id, tab, marked line; or a standoff file")
    standoff.add_argument("--out", type=Path, help="the standoff file to write (default: in the corpus)")
    _add_folders(standoff, "", real=False)
    splits = verbs.add_parser("splits", help="the size of each part, and what was kept out of training")
    _add_folders(splits, "")


def _spacy_file(name: str) -> Path:
    """Return the path of a file to write; another ending may be that of a file to read, and OUT forgotten."""
    if not name.endswith(".spacy"):
        raise argparse.ArgumentTypeError(f"{name!r} does not end with .spacy")
    return Path(name)


def _add_folders(parser: argparse.ArgumentParser, what: str, *, real: bool = True) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"the public rows (or {DATA_VARIABLE}) {what}")
    if real:
        text = f"the real sentences (or {CORPUS_REAL_VARIABLE}) {what}"
        parser.add_argument("--real", type=Path, metavar="DIR", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Run a verb and return the exit status."""
    verbs = {
        "check": _check,
        "stats": _stats,
        "jsonl": _jsonl,
        "docbin": _docbin,
        "standoff": _standoff,
        "splits": _splits,
    }
    return verbs[arguments.verb](arguments)


def _passages(arguments: argparse.Namespace) -> tuple[AnnotatedPassage, ...]:
    """Return the passages of the files that are named, or else of the written corpus and the folders that are known."""
    if arguments.files:
        return read_corpus(arguments.files)
    data = optional_folder(arguments.data, DATA_VARIABLE)
    real = optional_folder(arguments.real, CORPUS_REAL_VARIABLE)
    sentences = [*(read_real(real) if real else ()), *(read_all_standoff(data) if data else ())]
    refuse(same_texts(sentences))
    return (*read_corpus(), *sentences)


def _part(arguments: argparse.Namespace) -> tuple[AnnotatedPassage, ...]:
    """Return the passages of a part of the written corpus, or without `--split` those of `_passages`."""
    if not arguments.split:
        return _passages(arguments)
    if arguments.files:
        raise ConfigError("--split is of the whole written corpus", where=arguments.verb, remedy="leave the files out")
    splits = split_passages(read_corpus())
    parts = {"train": splits.train, "dev": splits.dev, "test": splits.test, "test_unseen": splits.test_unseen}
    return parts[arguments.split]


def _check(arguments: argparse.Namespace) -> int:
    if arguments.rules:
        for rule in RULES:
            print(f"{rule.name:<24}{rule.level:<8}{rule.says}")
        return 0
    passages = _passages(arguments)
    vocabulary = vocabulary_of([*passages, *(read_corpus() if arguments.files else ())])
    wanted = frozenset(arguments.rule or [rule.name for rule in RULES])
    findings = [
        finding
        for finding in check_conventions(passages, vocabulary)
        if finding.rule in wanted and not (arguments.no_doubts and finding.level == "doubt")
    ]
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    elif arguments.counts:
        for name, files in count_findings(findings).items():
            for file, n in sorted(files.items()):
                print(f"{name:<24}{n:>6}  {file}")
    else:
        for finding in findings:
            print(finding)
    n_wrong = sum(finding.level == "wrong" for finding in findings)
    n_doubts = len(findings) - n_wrong
    print(f"{len(passages)} passages: no mistake of form, {n_wrong} wrong, {n_doubts} doubtful", file=sys.stderr)
    return 1 if n_wrong else 0


def _stats(arguments: argparse.Namespace) -> int:
    statistics = count_passages(_passages(arguments))
    if arguments.json:
        print(json.dumps(asdict(statistics), ensure_ascii=False))
    else:
        print("\n".join(lay_out(statistics)))
    return 0


def _jsonl(arguments: argparse.Namespace) -> int:
    for passage in _part(arguments):
        print(row_line(passage))
    return 0


def _docbin(arguments: argparse.Namespace) -> int:
    chosen = (p for p in _part(arguments) if arguments.language in (None, p.language))
    written = write_docbin(arguments.out, chosen)
    for misfit in written.misfits:
        print(misfit, file=sys.stderr)
    n_left_out = sum(misfit.left_out for misfit in written.misfits)
    print(
        f"{written.n_passages} passages with {written.n_mentions} mentions and {written.n_triples} triples"
        f" written to {arguments.out}; of the mentions {len(written.misfits) - n_left_out} were widened to whole tokens"
        f" and {n_left_out} left out of the entities",
        file=sys.stderr,
    )
    return 0


def _standoff(arguments: argparse.Namespace) -> int:
    texts = Texts(data_folder(arguments.data))
    if arguments.file.suffix == ".jsonl":
        for passage in read_standoff(arguments.file, texts):
            print(marked_ref(passage))
        return 0
    out = arguments.out or corpus_folder() / "standoff" / f"{arguments.file.stem}.jsonl"
    n_written = write_standoff(out, read_marked_refs(arguments.file, texts))
    print(f"{n_written} sentences written to {out}", file=sys.stderr)
    return 0


def _splits(arguments: argparse.Namespace) -> int:
    data = optional_folder(arguments.data, DATA_VARIABLE)
    real = optional_folder(arguments.real, CORPUS_REAL_VARIABLE)
    dataset = load_dataset(data=data, real=real)
    print(f"{'train':<28}{len(dataset.train):>8}")
    print(f"{'dev':<28}{len(dataset.dev):>8}")
    for name, examples in dataset.tests.items():
        print(f"{'test ' + name:<28}{len(examples):>8}")
    for source, n_leaks in sorted(dataset.n_leaks.items()):
        print(f"{'left out of ' + source:<28}{n_leaks:>8}  would give a test away")
    return 0
