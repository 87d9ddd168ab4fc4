"""Facts of the examples that people have judged: a small file, written by hand, that outlives every regeneration."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kgbuilder.errors import ConfigError

__all__ = ["JudgedFacts", "WrongFact", "read_judged"]

_FORM = 'write {judged: 120, date: 2026-11-22, by: compact, wrong: [{document, fact: "甲 spouse 乙", reason}]}'


class WrongFact(BaseModel):
    """A fact that the graph of the examples has and a careful reader would not draw."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    document: str = Field(min_length=1)
    fact: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class JudgedFacts(BaseModel):
    """How many facts were judged, and the wrong ones; `by` is the extractor that had found them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    judged: int = Field(gt=0)
    date: str
    by: str
    wrong: tuple[WrongFact, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _day_as_text(cls, content: object) -> object:
        """YAML reads 2026-11-22 as a date."""
        return {**content, "date": str(content["date"])} if isinstance(content, dict) and "date" in content else content

    @model_validator(mode="after")
    def _fewer_are_wrong(self) -> "JudgedFacts":
        if len(self.wrong) > self.judged:
            raise ValueError(f"{len(self.wrong)} are wrong, of {self.judged} judged")
        return self


def read_judged(path: Path) -> JudgedFacts | None:
    """Return what people judged, None when there is no such file.

    Raises:
        ConfigError: when the file cannot be read or has another form.
    """
    if not path.exists():
        return None
    try:
        return JudgedFacts.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{place}: {first['msg']}", where=str(path), remedy=_FORM) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path), remedy=_FORM) from error
