"""A recipe: one YAML that says everything about a run but where the data lies."""

from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kgbuilder.errors import ConfigError

__all__ = ["ModelPart", "Recipe", "load_recipe"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DropoutPart(_Part):
    """Shares that are dropped; see `batches.Dropout`."""

    inputs: float = 0.0
    layers: float = 0.0
    head: float = 0.0
    pairs: float = 0.0
    words: float = 0.0
    word_fields: tuple[int, ...] = (0,)


class TrainingPart(_Part):
    """`n_free` spans a text that the model itself proposes; `free_pairs` pairs with them; `swap` the share of texts
    whose names are swapped; rates rise over the share `warm_up` of `steps`, then fall to a hundredth."""

    steps: int
    rate_encoder: float
    rate_heads: float
    warm_up: float = 0.06
    clip: float = 1.0
    relation_weight: float = 1.0
    n_free: int = 4
    free_pairs: int = 6
    swap: float = 0.0
    log_every: int = 50
    checkpoint_every: int = 500
    evaluate_every: int = 1000


class VocabularyPart(_Part):
    """Chinese only: how often what must occur to have an id, and how many at most."""

    min_characters: int = 2
    min_bigrams: int = 3
    max_bigrams: int = 20_000
    dictionary: bool = True


class ModelPart(_Part):
    """Sizes of a network. Convolution: `field_dims` and `d_signals` of the input, `context` says
    whether a frozen network of characters adds to its signals, `dilations`, one a layer. Transformer:
    `layers` of inner size `d_inner`, from the weights of MiniLM where `pretrained`. Spans have up to `width` tokens;
    a text of more tokens than `window`, about as long as most that are trained on, is read in windows;
    `across_sentences` as in `Settings`."""

    encoder: Literal["convolution", "transformer"]
    d: int
    heads: int
    d_span: int
    width: int
    d_pair: int
    rank: int
    max_tokens: int
    window: int = 128
    across_sentences: float = 1.7
    seed: int = 0
    field_dims: tuple[int, ...] = ()
    d_signals: int = 0
    context: bool = False
    dilations: tuple[int, ...] = ()
    layers: int = 0
    d_inner: int = 0
    pretrained: bool = False


class Recipe(_Part):
    """`sources` gives how often an epoch draws an example of a source (1 where it is not named); `corpus_only`
    trains on the written corpus alone, `limit` on its first examples. A shape is rows, length, slots, pairs."""

    name: str
    language: Literal["zh", "en"]
    seed: int = 0
    corpus_only: bool = False
    limit: int | None = None
    sources: dict[str, float] = {}
    shapes: tuple[tuple[int, int, int, int], ...]
    model: ModelPart
    training: TrainingPart
    dropout: DropoutPart = DropoutPart()
    vocabulary: VocabularyPart = VocabularyPart()


def load_recipe(name: str) -> tuple[Recipe, str]:
    """Return a recipe and its text: the name of one of the package, or the path of a YAML file.

    Raises:
        ConfigError: when there is none, or it says what no recipe says.
    """
    own = Path(str(resources.files("training"))) / "compact" / "recipes"
    path = Path(name) if name.endswith((".yaml", ".yml")) else own / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in own.glob("*.yaml")))
        raise ConfigError("there is no such recipe", where=str(path), remedy=f"take one of {known}, or a YAML file")
    text = path.read_text(encoding="utf-8")
    try:
        return Recipe.model_validate(yaml.safe_load(text)), text
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"this is no recipe: {error}", where=str(path), remedy="compare with compact_zh") from error
