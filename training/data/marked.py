"""The marked line, the form in which people write annotated passages; this module alone reads and writes it.

    [1:PER 林知远][2:TIME 1978年3月]生于[3:LOC 绍兴]。 || 1 place_of_birth 3; 1 date_of_birth 2

`[id:TYPE name]` marks a mention, the same id again the same entity; behind `||` stand the triples "head relation tail",
separated by `;`. In a file, empty lines and lines that begin with `#` are skipped; `# accepted RULE: reason` exempts
the next passage from a rule of `conventions`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from graph_schema import Ontology, load_ontology
from training.data.lines import read_lines
from training.data.mistakes import CorpusError, Mistake, refuse
from training.data.records import AnnotatedPassage, Annotation, Mention, Triple
from training.data.validate import validate

__all__ = ["LANGUAGES", "format_line", "marked_lines", "parse_line", "read_marked"]

LANGUAGES = ("en", "zh")
"""The languages there are; the name of a file of passages begins with one of them and an underscore."""

_MARK = re.compile(r"\[([0-9]+):([A-Za-z]+) ([^\[\]]+)\]")
_FACT = re.compile(r"([0-9]+)\s+(\S+)\s+([0-9]+)")
_ACCEPTED = re.compile(r"#\s*accepted\s+([a-z-]+)\s*:\s*\S")
_PARTS = "||"


def parse_line(line: str, *, where: str = "", ontology: Ontology | None = None) -> Annotation:
    """Return the text, mentions and triples of a marked line.

    Raises:
        CorpusError: with every mistake of the line.
    """
    mistakes: list[Mistake] = []
    annotation = _parse(line, where, mistakes)
    if annotation is not None:
        mistakes.extend(validate(annotation, ontology or load_ontology("general"), where))
    refuse(mistakes)
    assert annotation is not None
    return annotation


def format_line(annotation: Annotation) -> str:
    """Write an annotation as a marked line; `parse_line` reads it back as it was, mentions and triples in order.

    Raises:
        CorpusError: when the text holds what a marked line cannot: square brackets, `||`, a line end, white space at
            its ends, a `#` at its beginning; or when mentions overlap.
    """
    text = annotation.text
    refuse([*_overlapping(annotation)])
    marked, last = "", 0
    for mention in sorted(annotation.mentions):
        name = text[mention.start : mention.end]
        marked += f"{text[last : mention.start]}[{mention.entity}:{mention.type} {name}]"
        last = mention.end
    facts = "; ".join(f"{triple.head} {triple.relation} {triple.tail}" for triple in annotation.triples)
    line = f"{marked}{text[last:]} {_PARTS} {facts}".rstrip()
    refuse([*_unwritable(text, line)])
    return line


def marked_lines(path: Path) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield place (file:line), line and accepted rules of each line that is no comment and not empty.

    Raises:
        IngestError: when the file cannot be read as UTF-8.
    """
    accepted: set[str] = set()
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("#"):
            accepted.update(_ACCEPTED.findall(line))
        elif line.strip():
            yield f"{path}:{number}", line, frozenset(accepted)
            accepted.clear()


def read_marked(path: Path, *, ontology: Ontology | None = None) -> tuple[AnnotatedPassage, ...]:
    """Read a file of marked lines; the language is what its name begins with, as in zh_people.txt.

    Raises:
        CorpusError: with every mistake of the file.
        IngestError: when the file cannot be read.
    """
    language = path.stem.partition("_")[0]
    if language not in LANGUAGES:
        what = f"the name {path.name!r} does not begin with a language"
        raise CorpusError([Mistake(where=str(path), what=what, remedy=f"begin it with {' or '.join(LANGUAGES)} and _")])
    mistakes: list[Mistake] = []
    passages = []
    for where, line, accepted in marked_lines(path):
        try:
            annotation = parse_line(line, where=where, ontology=ontology)
        except CorpusError as error:
            mistakes.extend(error.mistakes)
            continue
        passages.append(
            AnnotatedPassage(
                id=f"{path.stem}-{where.rpartition(':')[2]}",
                language=language,
                source="written",
                text=annotation.text,
                mentions=annotation.mentions,
                triples=annotation.triples,
                where=where,
                accepted=accepted,
            )
        )
    refuse(mistakes)
    return tuple(passages)


def _parse(line: str, where: str, mistakes: list[Mistake]) -> Annotation | None:
    if line.count(_PARTS) != 1:
        what = f"there are {line.count(_PARTS)} {_PARTS!r}"
        mistakes.append(Mistake(where=where, what=what, remedy="part text and triples by exactly one"))
        return None
    marked, facts = (part.strip() for part in line.split(_PARTS))
    text, mentions, last = "", [], 0
    for found in _MARK.finditer(marked):
        text += marked[last : found.start()]
        end = len(text) + len(found[3])
        mentions.append(Mention(start=len(text), end=end, type=found[2], entity=int(found[1])))
        text, last = text + found[3], found.end()
    text += marked[last:]
    if bracket := re.search(r"[\[\]]", text):
        what = f"a square bracket is left over near {text[max(0, bracket.start() - 8) : bracket.start() + 8]!r}"
        remedy = "write [id:TYPE name] without nesting, and plain brackets as （ ） or ( )"
        mistakes.append(Mistake(where=where, what=what, remedy=remedy))
        return None
    return Annotation(text=text, mentions=tuple(mentions), triples=tuple(_triples(facts, where, mistakes)))


def _triples(facts: str, where: str, mistakes: list[Mistake]) -> Iterator[Triple]:
    for fact in filter(None, map(str.strip, facts.split(";"))):
        found = _FACT.fullmatch(fact)
        if found is None:
            remedy = "write `1 relation 2`, triples separated by `;`"
            mistakes.append(Mistake(where=where, what=f"{fact!r} is not 'head relation tail'", remedy=remedy))
        else:
            yield Triple(head=int(found[1]), relation=found[2], tail=int(found[3]))


def _unwritable(text: str, line: str) -> Iterator[Mistake]:
    signs = [sign for sign in ("[", "]", _PARTS, "\n", "\r") if sign in text]
    if signs or text != text.strip() or line.startswith("#") or not text:
        what = f"{text[:30]!r} cannot stand in a marked line"
        remedy = "no square brackets, ||, line ends, white space at the ends or leading #; choose another passage"
        yield Mistake(where="", what=what, remedy=remedy)


def _overlapping(annotation: Annotation) -> Iterator[Mistake]:
    last = 0
    for mention in sorted(annotation.mentions):
        if mention.start < last:
            what = f"{annotation.text[mention.start : mention.end]!r} overlaps the mention before"
            yield Mistake(where="", what=what, remedy="keep one of the two")
        last = mention.end
