"""Where annotated text lies: the corpus of this package, and the data outside the project, read in place."""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from kgbuilder.errors import ConfigError

__all__ = ["CORPUS_REAL_VARIABLE", "DATA_VARIABLE", "corpus_folder", "data_folder", "optional_folder"]

DATA_VARIABLE = "KGBUILDER_DATA"
"""The folder of the public rows, `<source>.jsonl` in the form of its README."""

CORPUS_REAL_VARIABLE = "KGBUILDER_CORPUS_REAL"
"""The folder of the annotated real sentences, `zh_N.txt` beside `raw/zh_N.raw.txt`."""


def corpus_folder() -> Path:
    """Return the folder of the written corpus that comes with this package."""
    return Path(str(resources.files("training"))) / "corpus"


def data_folder(given: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the public rows: as given, else from the environment.

    Raises:
        ConfigError: when neither says, or there is no such folder.
    """
    return _folder(given, DATA_VARIABLE, environment)


def optional_folder(given: Path | None, variable: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder as given or from the environment, None where neither says.

    Raises:
        ConfigError: when there is no such folder.
    """
    if given is None and not environment.get(variable):
        return None
    return _folder(given, variable, environment)


def _folder(given: Path | None, variable: str, environment: Mapping[str, str]) -> Path:
    named = given or (Path(environment[variable]) if environment.get(variable) else None)
    remedy = f"name it by an option, or in {variable}"
    if named is None:
        raise ConfigError("the folder of the data is not known", where=variable, remedy=remedy)
    if not named.is_dir():
        raise ConfigError("there is no such folder", where=str(named), remedy=remedy)
    return named
