"""What `pip install kgbuilder` brings: the core stands alone, the lock files agree, the wheel is whole."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("graph_schema", "kgbuilder", "training", "ui")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = {"core": PROJECT["project"]["dependencies"], **EXTRAS, **PROJECT["dependency-groups"]}
LOCKS = {"requirements.lock": ("core", "app", "dev", "build"), "requirements-all.lock": tuple(GROUPS)}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# Gone in Python 3.12 and 3.13, from the "What's new" pages.
REMOVED = {
    *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr", "imp"),
    *("lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau"),
    *("telnetlib", "uu", "xdrlib"),
}

# Imported where they are used, so that `kgbuilder --help` and `import kgbuilder` stay quick.
HEAVY = {"docx", "jieba", "jpype", "opencc", "pypdfium2", "pypinyin", "ray", "spacy", "trafilatura"}

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

closed = set(sys.argv[1].split(","))

class Door:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in closed:
            raise ModuleNotFoundError(f"{name} is not part of the core", name=name)

sys.meta_path.insert(0, Door)
names = []
for package in ("graph_schema", "kgbuilder"):
    module = importlib.import_module(package)
    names.append(package)
    for found in pkgutil.walk_packages(module.__path__, package + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            names.append(found.name)
print(" ".join(names))
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def core_distributions() -> set[str]:
    """The core dependencies that are meant for this Python, and all they bring along."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in GROUPS["core"]]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if name in found:
            continue
        found.add(name)
        for text in importlib.metadata.requires(name) or ():
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(inner)
    return found


def modules_beyond_the_core() -> set[str]:
    """The top-level modules installed here that a core installation does not bring."""
    core = core_distributions() | {canonicalize_name(PROJECT["project"]["name"])}
    return {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if not core & {canonicalize_name(distribution) for distribution in distributions}
    }


def import_everything(closed: set[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT_EVERYTHING, ",".join(sorted(closed))]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def core_only() -> subprocess.CompletedProcess[str]:
    return import_everything(modules_beyond_the_core())


@pytest.mark.slow
def test_every_module_of_the_core_can_be_imported_without_the_extras(core_only):
    assert core_only.returncode == 0, core_only.stderr
    imported = core_only.stdout.splitlines()[0].split()
    assert {"graph_schema", "kgbuilder.records", "kgbuilder.analyze"} <= set(imported)
    assert {"hypothesis", "pandas", "playwright", "psycopg", "pytest", "streamlit"} <= modules_beyond_the_core()


@pytest.mark.slow
def test_a_missing_core_dependency_would_be_seen():
    done = import_everything({"networkx"})
    assert done.returncode != 0
    assert "networkx is not part of the core" in done.stderr


@pytest.mark.slow
def test_importing_the_core_loads_nothing_heavy(core_only):
    assert core_only.returncode == 0, core_only.stderr
    assert HEAVY & set(core_only.stdout.splitlines()[1].split()) == set()


def read_lock(name: str) -> dict[str, dict[str, int]]:
    """The versions each package is locked at (several where they depend on the Python), with their number of hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    locked: dict[str, dict[str, int]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", line)
        assert match, f"{name}: cannot read {line[:80]!r}"
        locked.setdefault(canonicalize_name(match[1]), {})[match[2]] = line.count("--hash=sha256:")
    return locked


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_every_direct_dependency_in_a_version_that_fits(name):
    locked = read_lock(name)
    for group in LOCKS[name]:
        for text in GROUPS[group]:
            wanted = Requirement(text)
            versions = locked[canonicalize_name(wanted.name)]
            assert all(wanted.specifier.contains(v, prereleases=True) for v in versions), f"{text}: {[*versions]}"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_a_hash_for_everything_and_no_address(name):
    assert [package for package, versions in read_lock(name).items() if not all(versions.values())] == []
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"^.*(?:://|--index-url|--extra-index-url|--find-links|@ ).*$", text, re.MULTILINE) == []


def test_both_locks_pin_the_same_versions():
    small, large = (read_lock(name) for name in LOCKS)
    assert {name: set(versions) for name, versions in small.items()} == {name: set(large[name]) for name in small}


def test_installed_versions_are_the_locked_ones():
    locked = read_lock("requirements.lock")
    installed = {canonicalize_name(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()}
    assert {name: v for name, v in installed.items() if name in locked and v not in locked[name]} == {}


def described() -> dict[str, list[tuple[str, str]]]:
    """The rows (package, licence) of docs/dependencies.md by group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        title = section.splitlines()[0].split()[-1].strip("`").lower()
        rows = re.findall(r"^\| `([^`]+)` \|[^|]+\|[^|]+\| ([^|]+?) \|[^|]+\| \d+ \|$", section, re.MULTILINE)
        groups[title] = rows
    return groups


def test_docs_describe_each_dependency_once_and_no_other():
    wanted = {group: sorted(Requirement(text).name for text in texts) for group, texts in GROUPS.items()}
    assert {group: sorted(name for name, _ in rows) for group, rows in described().items()} == wanted


def licence_classifiers(metadata) -> list[str]:
    named = metadata.get_all("Classifier") or []
    return [line.rpartition(" :: ")[2] for line in named if line.startswith("License :: OSI Approved")]


def test_docs_state_the_licence_that_the_installed_package_states():
    for rows in described().values():
        for name, licence in rows:
            try:
                metadata = importlib.metadata.metadata(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            stated = metadata["License-Expression"] or metadata["License"]
            if stated and "\n" in stated:  # the whole text: the classifiers name it
                stated = {"BSD License": "BSD"}.get(next(iter(licence_classifiers(metadata)), ""), "")
                licence = licence[: len(stated)]  # noqa: PLW2901
            assert not stated or stated.startswith(licence), f"{name}: {stated!r}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_has_nothing_that_newer_pythons_refuse(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an invalid escape is a warning here and an error later
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        compile(tree, str(path), "exec")
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    assert {name.partition(".")[0] for name in names} & REMOVED == set()


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_newer_python_compiles_the_sources(version):
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
        pytest.skip(f"python{version} is not installed")
    program = "import sys\nfor p in sys.argv[1:]: compile(open(p, encoding='utf-8').read(), p, 'exec')"
    command = [python, "-W", "error", "-c", program, *map(str, SOURCES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_every_source_and_data_file_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not {"__pycache__", ".mypy_cache", ".ruff_cache"} & set(path.parts)
    }
    assert (held - ours, ours - held) == (set(), set())
    assert {".py", ".yaml", ".cypher"} <= {Path(name).suffix for name in held}


def test_wheel_brings_the_models_of_both_languages_in_40_megabytes(wheel):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {file.filename: file.file_size for file in archive.infolist() if "/compact/models/" in file.filename}
    assert {name.split("/")[-2] for name in sizes if name.endswith("/model.json")} == {"en", "zh"}
    assert sum(sizes.values()) < 40e6


def test_wheel_names_its_extras_licence_and_commands(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        text = {Path(name).name: archive.read(name).decode() for name in names if ".dist-info/" in name}
    assert set(re.findall(r"^Provides-Extra: (.+)$", text["METADATA"], re.MULTILINE)) == set(EXTRAS)
    assert "License-Expression: Apache-2.0" in text["METADATA"]
    assert "LICENSE" in text
    assert "kgbuilder = kgbuilder.cli:main" in text["entry_points.txt"]
    assert "[kgbuilder.extractors]" in text["entry_points.txt"]


def test_an_ontology_can_be_loaded_from_the_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = "import graph_schema as g; print(g.__file__); print(len(g.load_ontology('general').relation_types))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    file, n_relations = done.stdout.split()
    assert Path(file).is_relative_to(tmp_path)
    assert int(n_relations) > 50


@pytest.mark.parametrize("group", ["console_scripts", "kgbuilder.extractors"])
def test_entry_points_lead_to_functions(group):
    ours = [
        point for point in importlib.metadata.entry_points(group=group) if point.dist and point.dist.name == "kgbuilder"
    ]
    assert ours
    assert all(callable(point.load()) for point in ours)
