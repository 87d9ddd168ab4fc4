"""Turn a model's reply into claims: pure, tolerant, and never louder than ParseError.

Every known way of writing an answer is read: a list of names under each type, objects or pairs under each relation,
flat lists of items, wrappers around either, and many keys for the same thing. Names come out as they stand in the
reply. A label is the id of the type where the ontology knows the name, else the name itself, for `ground` to judge.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from graph_schema import Ontology, fold
from kgbuilder.errors import ParseError
from kgbuilder.instructions.salvage import read_values
from kgbuilder.instructions.schema import HEAD_MARK, Schema, Task
from kgbuilder.instructions.vocabulary import (
    ABSENT,
    ECHOES,
    EMPTY_REPLIES,
    ENTITY_WRAPPERS,
    RELATION_WRAPPERS,
    WRAPPERS,
    is_absent,
    names_in,
    roles_in,
    word_of,
)
from kgbuilder.records import MentionClaim, Quarantined, TripleClaim

__all__ = ["ParsedReply", "parse"]

MALFORMED: Final = "malformed item"
UNSTORABLE: Final = "not storable"
TOO_DEEP: Final = "nested too deep"
TOO_MANY: Final = "too many problems"

_MAX_DEPTH: Final = 8
_MAX_PROBLEMS: Final = 100
_MAX_PAIRS: Final = 64
_MAX_CLAIM_CHARS: Final = 1000

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReply:
    """What a reply claims, each claim once; `complete` is False when the reply was cut off.

    `problems` are the parts that could not be read as claims.
    """

    mentions: tuple[MentionClaim, ...] = ()
    triples: tuple[TripleClaim, ...] = ()
    problems: tuple[Quarantined, ...] = ()
    complete: bool = True


def parse(task: Task, reply: str, schema: Ontology | Schema | Sequence[str]) -> ParsedReply:
    """Read the claims in `reply`; `schema` is the ontology, or the names that the prompt asked for.

    Raises:
        ParseError: when nothing in the reply resembles an answer.
    """
    salvaged = read_values(reply)
    reading = _Reading(task, schema, may_hold_surrogates="\\u" in reply or _SURROGATE.search(reply) is not None)
    for value in salvaged.values:
        reading.read(value)
    if not reading.is_answer and reply.strip().lower() not in EMPTY_REPLIES:
        what = f"the reply to the {task} prompt holds no answer: {reply.strip()[:80]!r}"
        raise ParseError(what, remedy="ask again, or ask a model that was trained for extraction")
    return ParsedReply(
        mentions=tuple([MentionClaim(text=name, label=label) for name, label in reading.mentions]),
        triples=tuple([_triple_claim(triple) for triple in reading.triples]),
        problems=tuple(reading.problems),
        complete=salvaged.complete,
    )


class _Names:
    """The names a prompt may have used, looked up as a reply spells them."""

    def __init__(self, schema: Ontology | Schema | Sequence[str]) -> None:
        self._ontology = schema if isinstance(schema, Ontology) else None
        self.is_open = self._ontology is not None and self._ontology.open
        entities: Sequence[str] = ()
        relations: Sequence[str] = ()
        if isinstance(schema, Schema):
            entities, relations = schema.entities, schema.relations
        elif not isinstance(schema, Ontology):
            entities = relations = schema
        self._entities = {fold(name): name for name in entities}
        self._relations = {fold(name): name for name in relations}

    def entity(self, name: str) -> str | None:
        """Return the label for a type's name, None when it is not known."""
        if self._ontology is None:
            return self._entities.get(fold(name))
        known = self._ontology.entity_type(name)
        return known.id if known else None

    def relation(self, name: str) -> str | None:
        """Return the label for a relation's name, None when it is not known."""
        name = name.rstrip(HEAD_MARK)
        if self._ontology is None:
            return self._relations.get(fold(name))
        known = self._ontology.relation_type(name)
        return known.id if known else None


@lru_cache(maxsize=64)
def _names_of(schema: Ontology | Schema | tuple[str, ...]) -> _Names:
    return _Names(schema)


_Triple = tuple[str, str, str, str | None, str | None]
"""Head, relation, tail, and the labels of head and tail where the reply gives them."""


def _triple_claim(triple: _Triple) -> TripleClaim:
    head, relation, tail, head_label, tail_label = triple
    return TripleClaim(head=head, relation=relation, tail=tail, head_label=head_label, tail_label=tail_label)


class _Reading:
    """Collects the claims of one reply, in order, each once; names are resolved to labels as soon as they are met."""

    def __init__(self, task: Task, schema: Ontology | Schema | Sequence[str], may_hold_surrogates: bool) -> None:
        self.mentions: dict[tuple[str, str], None] = {}
        self.triples: dict[_Triple, None] = {}
        self.problems: list[Quarantined] = []
        self.is_answer = False
        self._task = task
        self._names = _names_of(schema if isinstance(schema, Ontology | Schema) else tuple(schema))
        self._may_hold_surrogates = may_hold_surrogates

    def read(self, value: object) -> None:
        """Read one value of the reply."""
        if isinstance(value, list | dict) and not value:
            self.is_answer = True
        elif self._task == "NER":
            self._entities(value, None, 0)
        elif self._task == "RE":
            self._relations(value, None, 0)
        else:
            self._either(value, 0)

    def _either(self, value: object, depth: int) -> None:
        """Read an answer that may hold entities, triples, or both."""
        if depth > _MAX_DEPTH:
            self._too_deep(value)
        elif isinstance(value, list):
            for item in value:
                self._either(item, depth + 1)
        elif not isinstance(value, dict):
            self._absent_or_problem(value)
        elif "head" in (roles := roles_in(value)) and "tail" in roles:
            self._relations(value, None, depth)
        elif "name" in roles and "type" in roles:
            self._entities(value, None, depth)
        else:
            for key, child in value.items():
                self._either_under(key, child, depth + 1)

    def _either_under(self, key: str, child: object, depth: int) -> None:
        word = word_of(key)
        if not self._names.is_open and self._names.entity(key) is not None:
            self._entities({key: child}, None, depth)
        elif not self._names.is_open and self._names.relation(key) is not None:
            self._relations({key: child}, None, depth)
        elif word in ENTITY_WRAPPERS:
            self.is_answer = self.is_answer or isinstance(child, list | dict)
            self._entities(child, None, depth)
        elif word in RELATION_WRAPPERS:
            self.is_answer = self.is_answer or isinstance(child, list | dict)
            self._relations(child, None, depth)
        elif word in WRAPPERS:
            self._either(child, depth)
        elif word in ECHOES:
            return
        elif self._names.is_open:
            self._entities({key: child}, None, depth)
        else:
            self._problem({key: child}, f"{key[:60]!r} is neither a type nor a relation")

    def _entities(self, value: object, label: str | None, depth: int) -> None:
        """Read entities; `label` is the type whose value this is, None where none has been named yet."""
        if isinstance(value, str):
            self._mention(value, label)
        elif depth > _MAX_DEPTH:
            self._too_deep(value)
        elif isinstance(value, list):
            if label is None and (pair := self._typed_name(value)) is not None:
                self._mention(*pair)
                return
            for item in value:
                if isinstance(item, str):
                    self._mention(item, label)
                else:
                    self._entities(item, label, depth + 1)
        elif isinstance(value, dict):
            self._entity_object(value, label, depth)
        else:
            self._absent_or_problem(value)

    def _typed_name(self, value: list[object]) -> tuple[str, str] | None:
        """Read [name, type] or [type, name]: the one that is a type is the type, the second where both may be."""
        if len(value) != 2:
            return None
        first, second = value
        if not (isinstance(first, str) and isinstance(second, str)):
            return None
        if (label := self._names.entity(second)) is not None:
            return first, label
        return (second, label) if (label := self._names.entity(first)) is not None else None

    def _entity_object(self, value: dict[str, object], label: str | None, depth: int) -> None:
        roles = roles_in(value)
        type_ = roles.get("type")
        if "name" in roles and (label is not None or isinstance(type_, str)):
            names = list(names_in(roles["name"]))
            if not names and not is_absent(roles["name"]):
                self._problem(value, "an entity without a name")
            if isinstance(type_, str):
                label = self._names.entity(type_) or type_
            for name in names:
                self._mention(name, label)
            return
        for key, child in value.items():
            word = word_of(key)
            is_wrapper = word in ENTITY_WRAPPERS or word in WRAPPERS
            known = None if self._names.is_open and is_wrapper else self._names.entity(key)
            if label is not None and known is None:
                # Names as keys, with a remark on each: {"person": {"Ada": "a painter"}}.
                self._entities(child if isinstance(child, list) else key, label, depth + 1)
            elif known is not None:
                self.is_answer = True
                self._entities(child, known, depth + 1)
            elif is_wrapper:
                self.is_answer = self.is_answer or word in ENTITY_WRAPPERS
                self._entities(child, None, depth + 1)
            elif word not in ECHOES and word not in RELATION_WRAPPERS:
                self._unknown_type(key, child, depth)

    def _unknown_type(self, key: str, child: object, depth: int) -> None:
        if isinstance(child, list | dict):
            self._entities(child, key, depth + 1)
        else:
            self._problem({key: child}, f"{key[:60]!r} is not a type")

    def _relations(self, value: object, relation: str | None, depth: int) -> None:
        """Read triples; `relation` is the one whose value this is, None where none has been named yet."""
        if depth > _MAX_DEPTH:
            self._too_deep(value)
        elif isinstance(value, list):
            if value and isinstance(value[0], str):
                self._row(value, relation)
                return
            for item in value:
                self._relations(item, relation, depth + 1)
        elif isinstance(value, dict):
            self._relation_object(value, relation, depth)
        else:
            self._absent_or_problem(value)

    def _row(self, row: list[object], relation: str | None) -> None:
        """Read [head, tail] under a relation, or [head, relation, tail] in whichever order the relation stands."""
        if len(row) == 2 and relation is not None:
            head, tail = row
            if isinstance(head, str) and isinstance(tail, str):
                self._triple(head, relation, tail)
                return
        elif len(row) == 3:
            head, name, tail = row
            if isinstance(head, str) and isinstance(name, str) and isinstance(tail, str):
                known = self._names.relation(name)
                if known is None and (first := self._names.relation(head)) is not None:
                    head, known = name, first
                self._triple(head, known or name, tail)
                return
        elif len(row) == 1 and is_absent(row[0]):
            return
        self._problem(row, "not a head and a tail")

    def _relation_object(self, value: dict[str, object], relation: str | None, depth: int) -> None:
        roles = roles_in(value)
        if "head" in roles and "tail" in roles:
            self._triple_object(value, roles, relation)
            return
        if ("head" in roles or "tail" in roles) and not any(isinstance(child, list | dict) for child in value.values()):
            self._problem(value, "a triple without head or tail")
            return
        for key, child in value.items():
            word = word_of(key)
            is_wrapper = word in RELATION_WRAPPERS or word in WRAPPERS
            known = None if self._names.is_open and is_wrapper else self._names.relation(key)
            if relation is not None and known is None:
                # Heads as keys: {"spouse": {"Ada": "Ben"}}.
                for tail in names_in(child):
                    self._triple(key, relation, tail)
            elif known is not None:
                self.is_answer = True
                self._relations(child, known, depth + 1)
            elif is_wrapper:
                self.is_answer = self.is_answer or word in RELATION_WRAPPERS
                self._relations(child, None, depth + 1)
            elif isinstance(child, list | dict) and word not in ECHOES and word not in ENTITY_WRAPPERS:
                self._relations(child, key, depth + 1)
            elif word not in ECHOES and word not in ENTITY_WRAPPERS:
                self._problem({key: child}, f"{key[:60]!r} is not a relation")

    def _triple_object(self, value: dict[str, object], roles: dict[str, object], relation: str | None) -> None:
        named = roles.get("relation") or (roles.get("type") if relation is None else None)
        if isinstance(named, str) and named:
            relation = self._names.relation(named) or named
        heads, tails = list(names_in(roles["head"])), list(names_in(roles["tail"]))
        if relation is None:
            self._problem(value, "a triple without a relation")
        elif len(heads) * len(tails) > _MAX_PAIRS:
            self._problem(value, f"more than {_MAX_PAIRS} triples in one")
        elif not heads or not tails:
            self._absent_or_problem(None if is_absent(roles["head"]) or is_absent(roles["tail"]) else value)
        else:
            labels = self._label(roles, "head"), self._label(roles, "tail")
            for head, tail in itertools.product(heads, tails):
                self._triple(head, relation, tail, *labels)

    def _label(self, roles: dict[str, object], side: str) -> str | None:
        """Return the label given with a head or tail, beside it or inside it."""
        type_ = roles.get(f"{side}_type")
        inner = roles[side]
        if type_ is None and isinstance(inner, dict):
            type_ = roles_in(inner).get("type")
        if not isinstance(type_, str) or is_absent(type_) or _SURROGATE.search(type_):
            return None
        return self._names.entity(type_) or type_

    def _mention(self, name: str, label: str | None) -> None:
        if name in ABSENT:
            return
        if not label:
            self._problem(name, "an entity without a type")
        elif self._is_storable(name, label):
            self.is_answer = True
            self.mentions[name, label] = None

    def _triple(
        self, head: str, relation: str, tail: str, head_label: str | None = None, tail_label: str | None = None
    ) -> None:
        if head in ABSENT or tail in ABSENT:
            return
        if not relation:
            self._problem([head, relation, tail], "a triple without a relation")
        elif self._is_storable(head, relation, tail):
            self.is_answer = True
            self.triples[head, relation, tail, head_label, tail_label] = None

    def _is_storable(self, *names: str) -> bool:
        if self._may_hold_surrogates and any(map(_SURROGATE.search, names)):
            self._problem(list(names), "half of a surrogate pair", UNSTORABLE)
            return False
        return True

    def _too_deep(self, value: object) -> None:
        if value:
            self._problem(None, f"more than {_MAX_DEPTH} levels", TOO_DEEP)

    def _absent_or_problem(self, value: object) -> None:
        if not is_absent(value):
            self._problem(value, "not an entity or triple")

    def _problem(self, value: object, detail: str, reason: str = MALFORMED) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Quarantined(reason=reason, claim=_claim(value), detail=detail))
        elif len(self.problems) == _MAX_PROBLEMS:
            self.problems.append(Quarantined(reason=TOO_MANY, claim="null", detail=f"more than {_MAX_PROBLEMS}"))


def _claim(value: object) -> str:
    """Write the JSON form of what could not be read, within bounds; JSON escapes what could not be stored."""
    try:
        written = json.dumps(value, ensure_ascii=True)
    except RecursionError:
        return "null"
    return written if len(written) <= _MAX_CLAIM_CHARS else json.dumps(written[:_MAX_CLAIM_CHARS])
