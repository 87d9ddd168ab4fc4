"""Walk the nodes of a YAML file and note every mistake with its line."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import yaml

__all__ = ["Entry", "Mistake", "Reader", "Value", "suggest"]

Value = str | bool | tuple[str, ...]

_WANTED = {str: "text", bool: "true or false", tuple: "a list of names, as in [A, B]"}
_MAX_LISTED = 20
_MAX_DEPTH = 8
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a section: its id, the values of its keys, and the lines they stand on (from 1)."""

    id: str
    line: int
    values: Mapping[str, Value]
    lines: Mapping[str, int]

    def text(self, key: str, default: str = "") -> str:
        """Return the text under `key`."""
        value = self.values.get(key, default)
        return value if isinstance(value, str) else default

    def names(self, key: str) -> tuple[str, ...]:
        """Return the list of names under `key`."""
        value = self.values.get(key, ())
        return value if isinstance(value, tuple) else ()

    def line_of(self, key: str) -> int:
        """Return the line of `key`, or of the entry where the key is not written."""
        return self.lines.get(key, self.line)


class Mistake(NamedTuple):
    """What is wrong on which line (from 1) of which file."""

    where: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.what}"


class Reader:
    """Turns the nodes of one file into values; what is wrong goes to `mistakes`, and reading goes on."""

    def __init__(self, where: str, mistakes: list[Mistake]) -> None:
        self.where = where
        self.mistakes = mistakes

    def wrong(self, line: int, what: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(self.where, line, what))

    def document(self, data: bytes) -> yaml.Node | None:
        """Compose the file's nodes; None, and a mistake noted, when it is not YAML in UTF-8."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.wrong(data.count(b"\n", 0, error.start) + 1, "the file is not UTF-8; save it as UTF-8")
            return None
        try:
            if (line := _too_deep(text)) is not None:
                self.wrong(line, f"this is not an ontology: values lie more than {_MAX_DEPTH} levels deep")
                return None
            node = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            about = " ".join(part for part in (error.context, error.problem) if part)
            self.wrong(mark.line + 1 if mark else 1, f"this is not YAML: {about}")
            return None
        except yaml.YAMLError as error:
            self.wrong(1, f"this is not YAML: {error}".replace("\n", " "))
            return None
        if node is None:
            self.wrong(1, "the file is empty")
        return node

    def mapping(
        self, node: yaml.Node, what: str, keys: Sequence[str] | None = None
    ) -> dict[str, tuple[int, yaml.Node]]:
        """Return line and node of each key; `keys` are the ones allowed, None for any."""
        found: dict[str, tuple[int, yaml.Node]] = {}
        if not isinstance(node, yaml.MappingNode):
            self.wrong(_line(node), f"{what} must be a mapping, as in `key: value`")
            return found
        for key_node, value in node.value:
            line = _line(key_node)
            key = key_node.value.strip() if isinstance(key_node, yaml.ScalarNode) else ""
            if not key:
                self.wrong(line, f"a key of {what} must be a plain name")
            elif keys is not None and key not in keys:
                self.wrong(line, f"unknown key {key!r} in {what}; {suggest(key, keys)}")
            elif key in found:
                self.wrong(line, f"{key!r} stands twice in {what}, first on line {found[key][0]}")
            else:
                found[key] = (line, value)
        return found

    def value(self, node: yaml.Node, what: str, kind: type) -> Value | None:
        """Return a text, a flag or a tuple of names; None, and a mistake noted, when it is something else."""
        if kind is tuple and isinstance(node, yaml.SequenceNode):
            items = [self.value(item, f"an entry of {what}", str) for item in node.value]
            return tuple(item for item in items if isinstance(item, str))
        if kind is tuple and what == "extends" and isinstance(node, yaml.ScalarNode):
            name = self.value(node, what, str)
            return (name,) if isinstance(name, str) else None
        if not isinstance(node, yaml.ScalarNode) or kind is tuple:
            self.wrong(_line(node), f"{what} must be {_WANTED[kind]}")
            return None
        text = str(node.value).strip()
        if kind is bool:
            if node.tag == "tag:yaml.org,2002:bool":
                return text.lower() in ("true", "yes", "on", "y")
            self.wrong(_line(node), f"{what} must be {_WANTED[bool]}, not {text!r}")
            return None
        # A name such as NO or 2020 is text to the people who write these files, whatever YAML makes of it.
        if not text or node.tag == "tag:yaml.org,2002:null":
            self.wrong(_line(node), f"{what} is empty")
            return None
        return text

    def entry(self, id_: str, line: int, node: yaml.Node, what: str, keys: Mapping[str, type]) -> Entry:
        """Return one mapping as an entry; the values of wrong type are left out."""
        nodes = self.mapping(node, what, tuple(keys))
        values = {key: self.value(child, f"{what}.{key}", keys[key]) for key, (_, child) in nodes.items()}
        return Entry(
            id=id_,
            line=line,
            values={key: value for key, value in values.items() if value is not None},
            lines={key: key_line for key, (key_line, _) in nodes.items()},
        )

    def section(self, node: yaml.Node, what: str, keys: Mapping[str, type]) -> list[Entry]:
        """Return the entries of a section, in the order of the file."""
        return [
            self.entry(id_, line, body, f"{what}.{id_}", keys) for id_, (line, body) in self.mapping(node, what).items()
        ]


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which of the known names was probably meant, or which there are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6) or difflib.get_close_matches(
        name.lower(), [other for other in names if other.islower()], n=1, cutoff=0.6
    )
    if near:
        return f"did you mean {near[0]!r}?"
    return "known are " + ", ".join(names[:_MAX_LISTED]) + (", ..." if len(names) > _MAX_LISTED else "")


def _too_deep(text: str) -> int | None:
    """Return the line where nesting passes the bound: composing goes by recursion, and in C that ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                return event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
