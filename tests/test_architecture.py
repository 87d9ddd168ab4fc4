"""What may import what, who owns which outside thing, and a few habits: read from the source, nothing is run."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("graph_schema", "kgbuilder", "training", "ui")

MAY_IMPORT = {
    "graph_schema": {"graph_schema"},
    "kgbuilder": {"graph_schema", "kgbuilder"},
    "training": {"graph_schema", "kgbuilder", "training"},
    "ui": {"graph_schema", "kgbuilder", "training", "ui"},
}

BASE = {"records", "ids", "errors"}
LEAVES = {"instructions", "normalize"}
STAGES = {"extract", "ingest", "ledger", "resolve", "stores"}
# Whatever of kgbuilder is named in none of these knows several stages (project, review, pipeline, analyze, ...).
COMMANDS = {"cli", "__main__"}

OWNERS = {
    "aiohttp": ("kgbuilder.extract",),
    "alembic": ("kgbuilder.ledger",),
    "arcadedb_embedded": ("kgbuilder.stores",),
    "docx": ("kgbuilder.ingest",),
    "jieba": ("kgbuilder.extract",),
    "mindformers": ("training.backend",),
    "mindspore": ("training.backend", "training.compact.backend"),
    "neo4j": ("kgbuilder.stores.neo4j",),
    "networkx": ("kgbuilder.analyze",),
    "opencc": ("kgbuilder.normalize",),
    "pypdfium2": ("kgbuilder.ingest",),
    "pypinyin": ("kgbuilder.normalize",),
    "ray": ("kgbuilder.cluster",),
    "spacy": ("kgbuilder.extract", "kgbuilder.ingest", "kgbuilder.spacy_pipe"),
    "sqlalchemy": ("kgbuilder.ledger",),
    "streamlit": ("ui",),
    "trafilatura": ("kgbuilder.ingest",),
    "typer": ("kgbuilder.cli",),
}

VAGUE = {"utils", "util", "common", "helper", "helpers", "manager", "managers", "handler", "handlers", "misc"}
REPLAYED = (
    "kgbuilder.extract.ground",
    "kgbuilder.ids",
    "kgbuilder.instructions",
    "kgbuilder.normalize",
    "kgbuilder.resolve",
)
NOT_REPEATABLE = {"random", "secrets", "time", "uuid"}
MAX_NAMES = 15


Modules = Mapping[str, ast.Module]


def read_modules(root: Path = ROOT) -> dict[str, ast.Module]:
    """Every module of our packages by its dotted name; a package stands under its own name."""
    modules = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            modules[name] = tree
            tree.is_package = parts[-1] == "__init__"  # type: ignore[attr-defined]
    return modules


MODULES = read_modules()


def imports(name: str, tree: ast.Module, modules: Modules) -> Iterator[tuple[str, int]]:
    """Every module that a module imports anywhere in it, in full, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if tree.is_package else name.split(".")[:-1]  # type: ignore[attr-defined]
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner if inner in modules else base), node.lineno


def inside(name: str, owners: Sequence[str]) -> bool:
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def part(name: str) -> str:
    """The part of kgbuilder a module belongs to: "extract" for kgbuilder.extract.ground, "" for kgbuilder itself."""
    return [*name.split("."), ""][1]


def allowed_inside(here: str, there: str) -> bool:
    """Whether the part `here` of kgbuilder may import the part `there`."""
    if here == there or there in BASE:
        return True
    if here in BASE | LEAVES or there == "":
        return False
    if here in STAGES:
        return there in LEAVES
    return here in COMMANDS or there not in COMMANDS


def wrong_direction(modules: Modules) -> list[str]:
    found = []
    for name, tree in modules.items():
        package = name.split(".")[0]
        for target, line in imports(name, tree, modules):
            there = target.split(".")[0]
            if there not in PACKAGES:
                continue
            # The one command starts the pages and the training, too.
            wrong = there not in MAY_IMPORT[package] and part(name) not in COMMANDS
            if package == there == "kgbuilder":
                wrong = not allowed_inside(part(name), part(target))
            if wrong:
                found.append(f"{name}:{line} imports {target}")
    return found


def strangers(modules: Modules) -> list[str]:
    return [
        f"{name}:{line} imports {target}, which belongs to {' or '.join(OWNERS[target.split('.')[0]])}"
        for name, tree in modules.items()
        for target, line in imports(name, tree, modules)
        if target.split(".")[0] in OWNERS and not inside(name, OWNERS[target.split(".")[0]])
    ]


def cycles(modules: Modules) -> list[list[str]]:
    graph = nx.DiGraph()
    for name, tree in modules.items():
        for target, _ in imports(name, tree, modules):
            if target in modules and target != name:
                graph.add_edge(name, target)
    return [sorted(knot) for knot in nx.strongly_connected_components(graph) if len(knot) > 1]


def caught_too_much(modules: Modules) -> list[str]:
    broad = {"Exception", "BaseException"}
    found = []
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or (isinstance(kind, ast.Name) and kind.id in broad) for kind in kinds):
                found.append(f"{name}:{node.lineno}")
    return found


def calls(modules: Modules, function: str) -> list[str]:
    return [
        f"{name}:{node.lineno}"
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def loose_dataclasses(modules: Modules) -> list[str]:
    found = []
    for name, tree in modules.items():
        # Inside one package of rules, a short record may be built by position.
        wanted = {"frozen", "slots"} if ".lexicon." in name else {"frozen", "slots", "kw_only"}
        for node in ast.walk(tree):
            # A private record may be a builder that fills up.
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                base = call.func if call else decorator
                if isinstance(base, ast.Name) and base.id == "dataclass":
                    given = {k.arg for k in call.keywords if ast.literal_eval(k.value) is True} if call else set()
                    if not wanted <= given:
                        found.append(f"{name}:{node.lineno} {node.name}")
    return found


def any_dicts(modules: Modules) -> list[str]:
    found = []
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and ast.unparse(node) in {"dict[str, Any]", "Mapping[str, Any]"}:
                found.append(f"{name}:{node.lineno}")
    return found


def report(found: Sequence[object]) -> None:
    assert not found, "\n" + "\n".join(map(str, found))


def tree(source: str, *, is_package: bool = False) -> ast.Module:
    module = ast.parse(source)
    module.is_package = is_package  # type: ignore[attr-defined]
    return module


def test_the_packages_are_there():
    assert {name.split(".")[0] for name in MODULES} == set(PACKAGES)


def test_imports_point_one_way():
    report(wrong_direction(MODULES))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("graph_schema.load", "from kgbuilder.errors import SchemaError"),
        ("kgbuilder.pipeline", "import ui.pages"),
        ("kgbuilder.extract.ground", "from kgbuilder import stores"),
        ("kgbuilder.extract.ground", "def f():\n    from ..resolve import cluster"),
        ("kgbuilder.resolve.block", "from kgbuilder.ledger import Ledger"),
        ("kgbuilder.normalize.names", "from kgbuilder.instructions import render"),
        ("kgbuilder.ids", "import kgbuilder.config"),
        ("kgbuilder.review", "from kgbuilder.cli import main"),
        ("kgbuilder.stores.neo4j", "from kgbuilder import project"),
    ],
)
def test_an_import_the_wrong_way_would_be_seen(name, source):
    known = {f"kgbuilder.{part}": tree("", is_package=True) for part in (*STAGES, *LEAVES, "project", "review")}
    assert len(wrong_direction({**known, name: tree(source)})) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("kgbuilder.extract.ground", "from kgbuilder.normalize import name_key"),
        ("kgbuilder.ledger.ledger", "from kgbuilder.instructions import render"),
        ("kgbuilder.project", "from kgbuilder.stores import connect\nfrom kgbuilder.ledger import Ledger"),
        ("kgbuilder.cli", "from kgbuilder.pipeline import build"),
        ("kgbuilder.cli", "def app():\n    from ui import launch"),
        ("training.data", "from kgbuilder.instructions import render"),
        ("ui.pages", "import training"),
    ],
)
def test_an_import_the_right_way_is_allowed(name, source):
    assert wrong_direction({name: tree(source)}) == []


def test_no_module_imports_itself_through_others():
    report(cycles(MODULES))


def test_a_cycle_would_be_seen():
    assert cycles({"ui.a": tree("import ui.b"), "ui.b": tree("from ui import a")}) == [["ui.a", "ui.b"]]


def test_every_outside_thing_has_one_owner():
    report(strangers(MODULES))


def test_a_second_owner_would_be_seen():
    assert strangers({"kgbuilder.project": tree("def f():\n    from neo4j import GraphDatabase")}) == [
        "kgbuilder.project:2 imports neo4j, which belongs to kgbuilder.stores.neo4j"
    ]


def test_what_is_replayed_knows_neither_clock_nor_chance():
    found = [
        f"{name}:{line} imports {target}"
        for name, tree in MODULES.items()
        if inside(name, REPLAYED)
        for target, line in imports(name, tree, MODULES)
        if target.split(".")[0] in NOT_REPEATABLE
    ]
    report(found)


def test_modules_have_names_that_say_something():
    assert [name for name in MODULES if VAGUE & set(name.replace("_", ".").split("."))] == []


def test_packages_export_few_names():
    packages = {name: exported(tree) for name, tree in MODULES.items() if tree.is_package}
    assert {name: len(names) for name, names in packages.items() if names and len(names) > MAX_NAMES} == {}


def test_packages_with_code_say_what_they_export():
    silent = [name for name, tree in MODULES.items() if tree.is_package and tree.body[1:] and exported(tree) is None]
    report(silent)


def test_exported_names_exist():
    missing = []
    for name, tree in MODULES.items():
        bound = {
            alias.asname or alias.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for alias in n.names
        }
        bound |= {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
        bound |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        missing += [f"{name}.{item}" for item in exported(tree) or () if item not in bound]
    report(missing)


def test_nothing_catches_every_exception():
    report(caught_too_much(MODULES))


@pytest.mark.parametrize("clause", ["except:", "except Exception:", "except (ValueError, BaseException) as e:"])
def test_catching_every_exception_would_be_seen(clause):
    assert caught_too_much({"ui.a": tree(f"try:\n    pass\n{clause}\n    pass")}) == ["ui.a:3"]


def test_only_the_command_line_prints():
    quiet = {name: tree for name, tree in MODULES.items() if name != "kgbuilder.cli" and not inside(name, ["training"])}
    report(calls(quiet, "print"))


def test_dataclasses_are_frozen_slotted_and_built_by_keyword():
    report(loose_dataclasses(MODULES))


def test_a_loose_dataclass_would_be_seen():
    source = "@dataclass(frozen=True, slots=True, kw_only=True)\nclass A: ...\n@dataclass\nclass B: ...\n"
    assert loose_dataclasses({"ui.a": tree(source + "@dataclass(frozen=True)\nclass C: ...")}) == [
        "ui.a:4 B",
        "ui.a:6 C",
    ]


def test_no_dictionary_of_anything():
    report(any_dicts(MODULES))
