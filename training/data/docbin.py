"""Write annotated passages as documents of spaCy, in one file that `spacy.tokens.DocBin().from_disk` reads.

A document has the tokens of spaCy's blank pipeline for its language, its entities in `doc.ents` (label Person,
`ent_id_` PER), and in `doc.user_data` its "id", "source", "language" and "triples": tuples (head start, head end,
relation id, tail start, tail end) in code points, where an entity goes by its first mention.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graph_schema import load_ontology
from kgbuilder.spacy_pipe import DocFile, TypedSpan
from training.data.records import AnnotatedPassage, first_names

__all__ = ["Misfit", "Written", "triple_rows", "write_docbin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """An entity that is no sequence of whole tokens; `left_out` where a longer or earlier one has its token."""

    passage: str
    where: str
    text: str
    type: str
    left_out: bool

    def __str__(self) -> str:
        fate = "left out, another entity has its token" if self.left_out else "widened to whole tokens"
        return f"{self.where or self.passage}: {self.type} {self.text} ends inside a token: {fate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a file has: documents, entities as marked, triples; and the entities that tokens do not fit."""

    n_passages: int
    n_mentions: int
    n_triples: int
    misfits: tuple[Misfit, ...]


def write_docbin(path: Path, passages: Iterable[AnnotatedPassage]) -> Written:
    """Write passages; read one after the other, they are held in packed form only (see `DocFile`).

    Triples keep the offsets as marked, also where an entity was widened or left out.

    Raises:
        ConfigError: when the file cannot be written.
    """
    file = DocFile(load_ontology("general"))
    misfits: list[Misfit] = []
    n_passages = n_mentions = n_triples = 0
    for passage in passages:
        misfits.extend(_add(passage, file))
        n_passages += 1
        n_mentions += len(passage.mentions)
        n_triples += len(passage.triples)
    file.write(path)
    return Written(n_passages=n_passages, n_mentions=n_mentions, n_triples=n_triples, misfits=tuple(misfits))


def triple_rows(passage: AnnotatedPassage) -> tuple[tuple[int, int, str, int, int], ...]:
    """Return the triples of a passage by the first mentions of head and tail."""
    first = first_names(passage.text, passage.mentions)
    pairs = ((first[triple.head], triple.relation, first[triple.tail]) for triple in passage.triples)
    return tuple((head.start, head.end, relation, tail.start, tail.end) for head, relation, tail in pairs)


def _add(passage: AnnotatedPassage, file: DocFile) -> Iterator[Misfit]:
    spans = [TypedSpan(start=mention.start, end=mention.end, type=mention.type) for mention in passage.mentions]
    user_data = {
        "id": passage.id,
        "source": passage.source,
        "language": passage.language,
        "triples": triple_rows(passage),
    }
    snapping = file.add(passage.text, language=passage.language, spans=spans, user_data=user_data)
    for left_out, misfitting in ((False, snapping.widened), (True, snapping.left_out)):
        for span in misfitting:
            name = passage.text[span.start : span.end]
            yield Misfit(passage=passage.id, where=passage.where, text=name, type=span.type, left_out=left_out)
