"""The settings of a workspace: defaults, then `kgbuilder.yaml`, then the environment, each value with its source.

Secrets (passwords, keys) are read from the environment only, and are never shown, logged or stored.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kgbuilder.errors import ConfigError

__all__ = ["CONFIG_NAME", "Settings", "Workspace", "init_workspace", "open_workspace"]

CONFIG_NAME = "kgbuilder.yaml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChunkSettings(_Section):
    """How documents are cut: estimated tokens a chunk, and sentences of overlap."""

    max_tokens: Annotated[int, Field(ge=50, le=100_000)] = 1000
    overlap_sentences: Annotated[int, Field(ge=0, le=10)] = 1


class LedgerSettings(_Section):
    """Where the ledger lives; a relative sqlite path is relative to the workspace."""

    url: str = "sqlite:///ledger.db"


class StoreSettings(_Section):
    """The graph: "embedded", or the Bolt address of a Neo4j. The password comes from KGBUILDER_STORE_PASSWORD."""

    uri: str = "embedded"
    database: str = ""
    user: str = "neo4j"
    heap: str = "1g"
    idle_s: Annotated[float, Field(gt=0)] = 180.0

    @field_validator("uri")
    @classmethod
    def _without_credentials(cls, uri: str) -> str:
        if "@" in uri:
            raise ValueError(f"holds a user or password: put these into store.user and {PASSWORD_VARIABLE}")
        return uri


class ResolveSettings(_Section):
    """Scores from which two names are merged, and from which they are suggested to a person."""

    merge_score: Annotated[float, Field(ge=0, le=1)] = 0.97
    suggest_score: Annotated[float, Field(ge=0, le=1)] = 0.85


class LimitSettings(_Section):
    """What one file, one upload and one query may cost."""

    file_mb: Annotated[int, Field(ge=1)] = 256
    query_rows: Annotated[int, Field(ge=1)] = 1000
    query_s: Annotated[float, Field(gt=0)] = 15.0


class Settings(_Section):
    """Everything a workspace can be told."""

    ontology: str = "general"
    extractor: str = "compact"
    chunk: ChunkSettings = ChunkSettings()
    ledger: LedgerSettings = LedgerSettings()
    store: StoreSettings = StoreSettings()
    resolve: ResolveSettings = ResolveSettings()
    limits: LimitSettings = LimitSettings()
    extractors: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    """Settings of each extractor by name, checked by the extractor itself."""


_ENVIRONMENT = {
    "KGBUILDER_ONTOLOGY": "ontology",
    "KGBUILDER_EXTRACTOR": "extractor",
    "KGBUILDER_LEDGER_URL": "ledger.url",
    "KGBUILDER_STORE_URI": "store.uri",
    "KGBUILDER_STORE_USER": "store.user",
    "KGBUILDER_STORE_DATABASE": "store.database",
    "KGBUILDER_ENDPOINT_URL": "extractors.endpoint.url",
    "KGBUILDER_ENDPOINT_MODEL": "extractors.endpoint.model",
}
PASSWORD_VARIABLE = "KGBUILDER_STORE_PASSWORD"

_CACHING_EXTRACTORS = frozenset({"compact", "lexicon"})

_TEMPLATE = """\
# The settings of this workspace. Leave a line out and its default holds; `kgbuilder config` shows every value and where
# it comes from. Passwords and keys are never written here: KGBUILDER_STORE_PASSWORD, KGBUILDER_ENDPOINT_API_KEY.
ontology: {ontology}      # general, a theme pack (kgbuilder config --packs lists them), open, or a YAML file
extractor: {extractor}    # lexicon, endpoint, or any that is installed
store:
  uri: embedded           # or bolt://host:7687 for a Neo4j
# extractors:
#   endpoint:
#     url: http://127.0.0.1:8000/v1
#     model: my-model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with its settings; `sources` tells for every value whether a default, the file or a variable set it."""

    folder: Path
    settings: Settings
    sources: Mapping[str, str]

    @property
    def ledger_url(self) -> str:
        """The ledger's URL, with a relative sqlite path made absolute."""
        url = self.settings.ledger.url
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/") and url != prefix + ":memory:":
            return prefix + str(self.folder / url.removeprefix(prefix))
        return url

    @property
    def lock_path(self) -> Path:
        """The file that writers of this workspace lock."""
        return self.folder / "locks" / "write.lock"

    @property
    def uploads(self) -> Path:
        """Where uploaded files are kept, by content hash."""
        return self.folder / "uploads"

    @property
    def graph_folder(self) -> Path:
        """Where the embedded graph lives."""
        return self.folder / "graph"

    def extractor_settings(self, name: str) -> dict[str, object]:
        """Return the settings of one extractor, with the folder where it may cache."""
        settings = dict(self.settings.extractors.get(name, {}))
        if name in _CACHING_EXTRACTORS:
            settings.setdefault("cache_dir", str(self.folder / "cache"))
        return settings

    def store_password(self) -> str:
        """Return the password of the graph store. Raises ConfigError when the environment has none."""
        password = os.environ.get(PASSWORD_VARIABLE)
        if not password:
            raise ConfigError(
                f"no password for {self.settings.store.uri}",
                where=PASSWORD_VARIABLE,
                remedy=f"set the environment variable {PASSWORD_VARIABLE}",
            )
        return password


def init_workspace(folder: Path, *, ontology: str = "general", extractor: str = "compact") -> bool:
    """Make a workspace in `folder`; return False when one stands there already."""
    path = folder / CONFIG_NAME
    if path.exists():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEMPLATE.format(ontology=ontology, extractor=extractor), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the workspace cannot be made: {error.strerror}", where=str(folder), remedy="choose another --workspace"
        ) from error
    return True


def open_workspace(folder: Path, *, environment: Mapping[str, str] | None = None) -> Workspace:
    """Read the settings of the workspace in `folder`.

    Raises ConfigError that lists every mistake of the file and the environment at once.
    """
    environment = os.environ if environment is None else environment
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise ConfigError("no workspace here", where=str(folder), remedy=f"run: kgbuilder init --workspace {folder}")
    values = _read(path)
    sources = dict.fromkeys(_leaves(values), str(path))
    for variable, key in _ENVIRONMENT.items():
        if environment.get(variable):
            _put(values, key, environment[variable])
            sources[key] = f"environment {variable}"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_mistake(dict(e), sources) for e in error.errors()),
            where=str(path),
            remedy="correct every line above; `kgbuilder config` shows what is allowed",
        ) from error
    everything = dict.fromkeys(_leaves(settings.model_dump()), "default")
    return Workspace(folder=folder.resolve(), settings=settings, sources={**everything, **sources})


def _read(path: Path) -> dict[str, object]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read: {error}", where=str(path), remedy="make it a readable UTF-8 file"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError("this is not YAML", where=place, remedy=str(getattr(error, "problem", ""))) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            "must be a mapping of settings", where=str(path), remedy="start with a line like `ontology: general`"
        )
    return values


def _mistake(error: Mapping[str, object], sources: Mapping[str, str]) -> str:
    location = error["loc"]
    names = [str(part) for part in location] if isinstance(location, tuple) else []
    key = ".".join(names)
    hint = ""
    if error["type"] == "extra_forbidden":
        section = Settings.model_fields if len(names) == 1 else _fields_of(names[0])
        near = difflib.get_close_matches(names[-1], section, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(section)}"
    return f"{key} ({sources.get(key, 'set')}): {error['msg']}{hint}"


def _fields_of(section: str) -> list[str]:
    annotation = Settings.model_fields[section].annotation if section in Settings.model_fields else None
    return list(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def _leaves(values: Mapping[str, object], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, value in values.items():
        key = f"{prefix}{name}"
        found += _leaves(value, f"{key}.") if isinstance(value, Mapping) and value else [key]
    return found


def _put(values: dict[str, object], key: str, value: str) -> None:
    *path, last = key.split(".")
    for name in path:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = {}
            values[name] = inner
        values = inner
    values[last] = value
