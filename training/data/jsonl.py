"""Write annotated passages in the form of the public rows, which `kgbuilder evaluate --data` reads."""

import json

from training.data.records import AnnotatedPassage, first_names

__all__ = ["row_line"]


def row_line(passage: AnnotatedPassage) -> str:
    """Return a passage as one line of JSON; in triples an entity goes by its first mention."""
    text = passage.text
    first = first_names(text, passage.mentions)
    names = {entity: text[mention.start : mention.end] for entity, mention in first.items()}
    row = {
        "id": passage.id,
        "lang": passage.language,
        "source": passage.source,
        "text": text,
        "entities": [
            {"text": text[m.start : m.end], "type": m.type, "start": m.start, "end": m.end, "entity": m.entity}
            for m in passage.mentions
        ],
        "triples": [
            {
                "head": names[t.head],
                "head_type": first[t.head].type,
                "relation": t.relation,
                "tail": names[t.tail],
                "tail_type": first[t.tail].type,
                "head_span": [first[t.head].start, first[t.head].end],
                "tail_span": [first[t.tail].start, first[t.tail].end],
            }
            for t in passage.triples
        ],
    }
    return json.dumps(row, ensure_ascii=False)
