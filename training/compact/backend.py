"""The compact model in MindSpore, graph mode: the only module of training that imports it.

Shapes: `batch` rows of `length` tokens with `d` numbers each; spans lie in a band of `width` tokens, cell (i, w) is the
span from token i to token i + w; `slots` are spans that may be arguments, `pairs` ordered pairs of slots.

A convolution is written as shifted slices and a Dense, because nn.Conv1d runs at 1 GFLOP/s on a CPU; the optimiser is
nn.Adam, because nn.AdamWeightDecay has no bias correction. Dropout masks come with the batch, so a run that was resumed
sees the same ones.
"""
# mypy: disable-error-code="misc,no-untyped-call,no-untyped-def"
# ruff: noqa: PLR0913  # the loss takes the arrays of a batch

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
import numpy.typing as npt
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import Normal, initializer

from training.compact.batches import Batch
from training.compact.recipe import ModelPart, TrainingPart
from training.compact.tables import MAX_DISTANCE, N_DISTANCE_IDS, distance_ids, rope_tables

__all__ = ["Evaluator", "JointModel", "Starts", "Trainer", "build", "set_value", "version"]

FloatArray = npt.NDArray[np.float32]

_FAR = 1e4
_MAX_SCORE = 20.0
_LONG = 100_000


def version() -> str:
    """Return the version of MindSpore."""
    return str(ms.__version__)


# --- encoders ---------------------------------------------------------------------------------------------------------


class Attention(nn.Cell):
    """Self-attention and a feed-forward layer, each with a residual and a norm after it."""

    def __init__(self, d: int, heads: int, d_inner: int, epsilon: float) -> None:
        super().__init__()
        self.heads, self.size = heads, d // heads
        self.qkv, self.out = nn.Dense(d, 3 * d), nn.Dense(d, d)
        self.inner, self.outer = nn.Dense(d, d_inner), nn.Dense(d_inner, d)
        self.norm_1, self.norm_2 = nn.LayerNorm((d,), epsilon=epsilon), nn.LayerNorm((d,), epsilon=epsilon)
        self.gelu = nn.GELU(approximate=False)

    def construct(self, x, far):
        batch, length, d = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, self.heads, self.size).transpose(2, 0, 3, 1, 4)
        scores = ops.matmul(qkv[0], qkv[1].transpose(0, 1, 3, 2)) * (1.0 / self.size**0.5) + far
        mixed = ops.matmul(ops.softmax(scores, -1), qkv[2]).transpose(0, 2, 1, 3).reshape(batch, length, d)
        x = self.norm_1(x + self.out(mixed))
        return self.norm_2(x + self.outer(self.gelu(self.inner(x))))


class ConvolutionEncoder(nn.Cell):
    """Embeddings of every field, signals, gated dilated convolutions, one layer of self-attention."""

    def __init__(self, model: ModelPart, sizes: Sequence[int], n_signals: int, tables: Mapping[int, Any]) -> None:
        super().__init__()
        self.d = d = model.d
        dims = model.field_dims
        rng = np.random.default_rng(model.seed)
        self.tables = ms.ParameterTuple(
            [
                Parameter(Tensor(tables.get(n, rng.normal(0, 0.1, (size, dim))).astype(np.float32)), name=f"table_{n}")
                for n, (size, dim) in enumerate(zip(sizes, dims, strict=True))
            ]
        )
        self.n_fields = len(dims)
        self.signals = nn.Dense(n_signals, model.d_signals)
        self.input = nn.Dense(sum(dims) + model.d_signals, d)
        self.norm = nn.LayerNorm((d,), epsilon=1e-5)
        self.dilations = model.dilations
        self.gates = nn.CellList([nn.Dense(3 * d, 2 * d) for _ in self.dilations])
        self.norms = nn.CellList([nn.LayerNorm((d,), epsilon=1e-5) for _ in self.dilations])
        self.attention = Attention(d, model.heads, 2 * d, 1e-5)

    def construct(self, ids, signals, mask, keep_input, keep_layers):
        parts = []
        for field in range(self.n_fields):
            parts.append(ops.gather(self.tables[field], ids[:, :, field], 0))
        parts.append(self.signals(signals))
        real = mask.expand_dims(-1)
        x = self.norm(self.input(ops.concat(parts, -1) * keep_input)) * real
        for n in range(len(self.dilations)):
            step = self.dilations[n]
            y = x * keep_layers[n]
            edge = ops.zeros((y.shape[0], step, self.d), ms.float32)
            before = ops.concat((edge, y[:, :-step]), 1)
            after = ops.concat((y[:, step:], edge), 1)
            both = self.gates[n](ops.concat((before, y, after), -1))
            gate = ops.sigmoid(both[:, :, self.d :])
            x = self.norms[n](x * (1.0 - gate) + both[:, :, : self.d] * gate) * real
        far = (mask.expand_dims(1).expand_dims(1) - 1.0) * _FAR
        return self.attention(x, far)


class TransformerEncoder(nn.Cell):
    """Frozen embeddings of word pieces, embeddings of their shapes, layers of self-attention.

    Source: Wang et al. 2020, MiniLM; the weights are those of all-MiniLM-L6-v2.
    """

    def __init__(self, model: ModelPart, sizes: Sequence[int], weights: Mapping[str, FloatArray]) -> None:
        super().__init__()
        self.d = d = model.d
        rng = np.random.default_rng(model.seed)

        def start(name: str, *shape: int) -> FloatArray:
            found = weights.get(name)
            return rng.normal(0, 0.02, shape).astype(np.float32) if found is None else found.astype(np.float32)

        self.words = Parameter(Tensor(start("words", sizes[0], d)), name="words", requires_grad=False)
        self.positions = Parameter(
            Tensor(start("positions", model.max_tokens, d)), name="positions", requires_grad=False
        )
        self.shapes = Parameter(Tensor(np.zeros((sizes[1], d), np.float32)), name="shapes")
        self.norm = nn.LayerNorm((d,), epsilon=1e-12)
        self.layers = nn.CellList([Attention(d, model.heads, model.d_inner, 1e-12) for _ in range(model.layers)])
        set_value(self.norm.gamma, weights.get("norm.gamma"))
        set_value(self.norm.beta, weights.get("norm.beta"))
        for n, layer in enumerate(self.layers):
            for name, parameter in layer.parameters_and_names():
                set_value(parameter, weights.get(f"layers.{n}.{name}"))

    def construct(self, ids, signals, mask, keep_input, keep_layers):
        x = ops.gather(self.words, ids[:, :, 0], 0) + ops.gather(self.shapes, ids[:, :, 1], 0)
        x = self.norm(x + self.positions[: ids.shape[1]]) * keep_input
        far = (mask.expand_dims(1).expand_dims(1) - 1.0) * _FAR
        for n in range(len(self.layers)):
            x = self.layers[n](x, far)
        return x


def set_value(parameter: Any, value: FloatArray | None) -> None:
    """Give a parameter its value, none keeps what it has."""
    if value is not None:
        parameter.set_data(Tensor(value.astype(np.float32).reshape(parameter.shape)))


# --- heads ------------------------------------------------------------------------------------------------------------


class EntityHead(nn.Cell):
    """Score every span of the band for every type: rotary query times key, and a bias of its ends for each type.

    Source: Su et al. 2022, Global Pointer, the efficient form.
    """

    def __init__(self, d: int, n_types: int, *, size: int, width: int, max_tokens: int) -> None:
        super().__init__()
        self.size, self.width = size, width
        self.query_key, self.ends = nn.Dense(d, 2 * size), nn.Dense(d, 2 * n_types)
        self.n_types = n_types
        cosines, sines = rope_tables(max_tokens, size)
        self.cosines, self.sines = Tensor(cosines), Tensor(sines)

    def rotate(self, x):
        half, length = self.size // 2, x.shape[1]
        one, other, cosines, sines = x[:, :, :half], x[:, :, half:], self.cosines[:length], self.sines[:length]
        return ops.concat((one * cosines - other * sines, other * cosines + one * sines), -1)

    def construct(self, hidden):
        """(batch, length, d) -> (batch, length, width, n_types)"""
        batch, length, _ = hidden.shape
        both = self.query_key(hidden)
        query, key = self.rotate(both[:, :, : self.size]), self.rotate(both[:, :, self.size :])
        scores = ops.matmul(query, key.transpose(0, 2, 1)) * (1.0 / self.size**0.5)
        # Row i shifted left by i: with width zeros behind each row, reading rows of one more cell does it.
        cells = ops.concat((scores, ops.zeros((batch, length, self.width), ms.float32)), -1)
        cells = ops.concat((cells.reshape(batch, -1), ops.zeros((batch, length), ms.float32)), -1)
        band = cells.reshape(batch, length, length + self.width + 1)[:, :, : self.width]
        ends = self.ends(hidden)
        at_end = ops.concat((ends[:, :, self.n_types :], ops.zeros((batch, self.width, self.n_types), ms.float32)), 1)
        shifted = ops.stack([at_end[:, w : w + length] for w in range(self.width)], 2)
        return band.expand_dims(-1) + ends[:, :, : self.n_types].expand_dims(2) + shifted


class RelationHead(nn.Cell):
    """Score ordered pairs of spans for every relation.

    What stands at the ends of both spans, their types, what lies between them and how far apart they are make one
    vector for the pair; with it the pair looks at every token of its text, and adds what it finds. A relation is a
    vector too, made from the encoding of its name and definition, plus what it
    learns beside that.
    """

    def __init__(self, d: int, n_types: int, names: FloatArray, *, size: int, rank: int) -> None:
        super().__init__()
        n_relations = len(names)
        self.head, self.tail = nn.Dense(2 * d, size), nn.Dense(2 * d, size)
        self.head_type = nn.Dense(n_types, size, has_bias=False)
        self.tail_type = nn.Dense(n_types, size, has_bias=False)
        self.between = nn.Dense(d, size, has_bias=False)
        self.distance = Parameter(initializer(Normal(0.02), (N_DISTANCE_IDS, size), ms.float32), name="distance")
        self.head_low, self.tail_low = nn.Dense(2 * d, rank), nn.Dense(2 * d, rank)
        self.names = Tensor(names.astype(np.float32))
        self.from_name = nn.Dense(names.shape[1], size + rank, has_bias=False)
        self.own = Parameter(initializer(Normal(0.02), (n_relations, size + rank), ms.float32), name="own")
        self.bias = Parameter(Tensor(np.full(n_relations, -3.0, np.float32)), name="bias")
        self.query, self.key = nn.Dense(size, rank, has_bias=False), nn.Dense(d, rank, has_bias=False)
        self.value, self.seen = nn.Dense(d, rank, has_bias=False), nn.Dense(rank, size, has_bias=False)
        self.rank = rank
        self.gelu = nn.GELU(approximate=False)
        self.distance_ids = Tensor(distance_ids())

    def relation_vectors(self):
        """(n_relations, size + rank)"""
        return self.from_name(self.names) + self.own

    def look(self, pair, flat, mask, row):
        """Return what each pair (n_pairs, size) sees in the tokens of its row, (n_pairs, size)."""
        scores = ops.matmul(self.query(pair), self.key(flat).transpose(1, 0)) * (1.0 / self.rank**0.5)
        batch, length = mask.shape
        rows = ops.arange(0, batch * length).astype(ms.int32) // length
        own = (rows.expand_dims(0) == row.expand_dims(1)).astype(ms.float32) * mask.reshape(1, batch * length)
        weights = ops.softmax(scores + (own - 1.0) * _FAR, -1)
        return self.seen(ops.matmul(weights, self.value(flat)))

    def construct(self, hidden, mask, types, start, end, head, tail, keep):
        """Return logits (n_pairs, n_relations) and whether the two spans of each pair are apart, (n_pairs, 1).

        `hidden` (batch, length, d); `mask` (batch, length); `start`, `end` (n_slots,) count tokens over the whole
        batch; `types` (n_slots, n_types); `head`, `tail` (n_pairs,) are slots.
        """
        batch, length, d = hidden.shape
        flat = hidden.reshape(batch * length, d)
        ends = ops.concat((ops.gather(flat, start, 0), ops.gather(flat, end, 0)), -1)
        heads = self.head(ends) + self.head_type(types)
        tails = self.tail(ends) + self.tail_type(types)
        pair = ops.gather(heads, head, 0) + ops.gather(tails, tail, 0)
        head_start, tail_start = ops.gather(start, head, 0), ops.gather(start, tail, 0)
        first = ops.minimum(ops.gather(end, head, 0), ops.gather(end, tail, 0)) + 1
        last = ops.maximum(head_start, tail_start)
        sums = ops.cumsum(self.between(hidden), 1)
        sums = ops.concat((ops.zeros((batch, 1, sums.shape[2]), ms.float32), sums), 1).reshape(batch * (length + 1), -1)
        row = head_start // length
        gap = ops.clamp(last - first, 0, _LONG)
        low = ops.minimum(first, last) + row
        total = ops.gather(sums, low + gap, 0) - ops.gather(sums, low, 0)
        pair = pair + total / ops.maximum(gap, ops.ones_like(gap)).astype(ms.float32).expand_dims(-1)
        bucket = ops.gather(self.distance_ids, ops.clamp(gap, 0, MAX_DISTANCE), 0)
        bucket = bucket + (tail_start < head_start).astype(ms.int32) * (N_DISTANCE_IDS // 2)
        pair = pair + ops.gather(self.distance, bucket, 0)
        pair = self.gelu(pair + self.look(pair, flat, mask, row)) * keep
        low_rank = ops.gather(self.head_low(ends), head, 0) * ops.gather(self.tail_low(ends), tail, 0)
        logits = ops.matmul(ops.concat((pair, low_rank), -1), self.relation_vectors().transpose(1, 0)) + self.bias
        return logits, (last >= first).astype(ms.float32).expand_dims(-1)


class JointModel(nn.Cell):
    """Encoder and both heads."""

    def __init__(self, encoder: Any, n_types: int, names: FloatArray, model: ModelPart) -> None:
        super().__init__()
        self.encoder = encoder
        self.entity = EntityHead(
            encoder.d,
            n_types,
            size=model.d_span,
            width=model.width,
            max_tokens=model.max_tokens,
        )
        self.relation = RelationHead(encoder.d, n_types, names, size=model.d_pair, rank=model.rank)

    def construct(self, ids, signals, mask, keep_input, keep_layers, keep_head):
        hidden = self.encoder(ids, signals, mask, keep_input, keep_layers) * keep_head
        return hidden, self.entity(hidden)


class LossCell(nn.Cell):
    """The loss of a batch: entities by type over all spans, relations over all pairs of a row.

    log(1 + sum over negatives of e^s) + log(1 + sum over positives of e^-s); what is neither is left out.
    Source: Su et al. 2022, ZLPR: a multi-label categorical cross-entropy.
    """

    def __init__(self, model: JointModel, *, n_free: int, relation_weight: float) -> None:
        super().__init__()
        self.model, self.n_free, self.relation_weight = model, n_free, relation_weight
        self.top = ops.TopK(sorted=True)

    def entity_loss(self, scores, positive, negative):
        batch, n_types = scores.shape[0], scores.shape[3]
        low = (scores * negative - _FAR * (1.0 - negative)).reshape(batch, -1, n_types)
        high = (-scores * positive - _FAR * (1.0 - positive)).reshape(batch, -1, n_types)
        return (_log_one_plus_sum(low) + _log_one_plus_sum(high)).sum()

    def relation_loss(self, scores, positive, negative, rows):
        bounded = ops.clamp(scores, -_MAX_SCORE, _MAX_SCORE)
        low = ops.matmul(rows, ops.exp(bounded) * negative)
        high = ops.matmul(rows, ops.exp(-bounded) * positive)
        return (ops.log(1.0 + low) + ops.log(1.0 + high)).sum()

    def construct(
        self,
        ids,
        signals,
        mask,
        spans,
        spans_negative,
        slot,
        slot_width,
        free,
        head,
        tail,
        rows,
        pairs,
        pairs_negative,
        scale,
        keep_input,
        keep_layers,
        keep_head,
        keep_pair,
    ):
        """Return the loss and its parts, of entities and of relations; the arrays are those of a `Batch`."""
        hidden, scores = self.model(ids, signals, mask, keep_input, keep_layers, keep_head)
        batch, length, width, n_types = scores.shape
        seen = ops.stop_gradient(scores)
        best = (seen.max(-1) * free - _FAR * (1.0 - free)).reshape(batch, length * width)
        _, cells = self.top(best, self.n_free)
        offsets = ops.arange(0, batch * length, length).astype(ms.int32).expand_dims(-1)
        starts = ops.concat((slot, (cells // width + offsets).reshape(-1)), 0)
        widths = ops.concat((slot_width, (cells % width).reshape(-1)), 0)
        types = ops.sigmoid(ops.gather(seen.reshape(-1, n_types), starts * width + widths, 0))
        ends = ops.minimum(starts + widths, ops.full_like(starts, batch * length - 1))
        logits, apart = self.model.relation(hidden, mask, types, starts, ends, head, tail, keep_pair)
        entity = self.entity_loss(scores, spans, spans_negative) * scale
        relation = self.relation_loss(logits, pairs * apart, pairs_negative * apart, rows) * scale
        return entity + self.relation_weight * relation, entity, relation


def _log_one_plus_sum(x):
    """log(1 + sum over the second axis of e^x), (a, n, b) -> (a, b)"""
    top = ops.stop_gradient(ops.relu(x.max(1)))
    return top + ops.log(ops.exp(-top) + ops.exp(x - top.expand_dims(1)).sum(1))


class StepCell(nn.Cell):
    """One step: loss, gradients, clipping, update."""

    def __init__(self, loss: LossCell, optimizer: Any, clip: float) -> None:
        super().__init__(auto_prefix=False)
        self.loss, self.optimizer, self.clip = loss, optimizer, clip
        self.weights = optimizer.parameters
        self.gradient = ops.value_and_grad(loss, None, self.weights, has_aux=True)

    def construct(self, *batch):
        (total, entity, relation), gradients = self.gradient(*batch)
        gradients = ops.clip_by_global_norm(gradients, self.clip)
        done = self.optimizer(gradients)
        return ops.depend(total, done), entity, relation


# --- what training calls ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """What the weights of a model start from: arrays by name, each optional."""

    tables: Mapping[int, FloatArray]
    weights: Mapping[str, FloatArray]
    names: FloatArray


def build(model: ModelPart, sizes: Sequence[int], n_signals: int, n_types: int, starts: Starts) -> JointModel:
    """Make a model; the same seed makes the same one."""
    ms.set_seed(model.seed)
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    encoder: Any
    if model.encoder == "convolution":
        encoder = ConvolutionEncoder(model, sizes, n_signals, starts.tables)
    else:
        encoder = TransformerEncoder(model, sizes, starts.weights)
    joint = JointModel(encoder, n_types, starts.names, model)
    for name, parameter in joint.parameters_and_names():
        parameter.name = name
    return joint


class Trainer:
    """Holds a model and its optimiser; runs steps, saves and loads both."""

    def __init__(self, joint: JointModel, training: TrainingPart) -> None:
        self.joint = joint
        trainable = joint.trainable_params()
        encoder = [p for p in trainable if p.name.startswith("encoder.") and "shapes" not in p.name]
        heads = [p for p in trainable if not (p.name.startswith("encoder.") and "shapes" not in p.name)]
        self._rates = [training.rate_encoder, training.rate_heads]
        groups = [{"params": encoder, "lr": self._rates[0]}, {"params": heads, "lr": self._rates[1]}]
        self._optimizer = nn.Adam(groups, learning_rate=self._rates[0], beta1=0.9, beta2=0.98, eps=1e-8)
        loss = LossCell(joint, n_free=training.n_free, relation_weight=training.relation_weight)
        self._step = StepCell(loss, self._optimizer, training.clip)
        self._step.set_train()

    def step(self, batch: Batch, factor: float) -> tuple[float, float, float]:
        """Learn from one batch with learning rates times `factor`; return total, entity and relation loss."""
        for parameter in self._optimizer.learning_rate:
            parameter.set_data(Tensor(self._rates[int(parameter.name[-1])] * factor, ms.float32))
        total, entity, relation = self._step(*(Tensor(array) for array in batch.arrays()))
        return float(total.asnumpy()), float(entity.asnumpy()), float(relation.asnumpy())

    def arrays(self) -> dict[str, FloatArray]:
        """Return the weights by name."""
        return {name: p.asnumpy() for name, p in self.joint.parameters_and_names()}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return weights and optimiser state by name, which `load` takes."""
        state: dict[str, npt.NDArray[Any]] = {f"model/{name}": value for name, value in self.arrays().items()}
        for parameter in self._optimizer.get_parameters():
            if f"model/{parameter.name}" not in state:
                state[f"optimizer/{parameter.name}"] = parameter.asnumpy()
        return state

    def load(self, state: Mapping[str, npt.NDArray[Any]], *, only_model: bool = False) -> None:
        """Take over what `state` returned."""
        for name, parameter in self.joint.parameters_and_names():
            parameter.set_data(Tensor(state[f"model/{name}"]))
        if only_model:
            return
        for parameter in self._optimizer.get_parameters():
            found = state.get(f"optimizer/{parameter.name}")
            if found is not None:
                parameter.set_data(Tensor(found))


class Evaluator(nn.Cell):
    """Runs a model without dropout on numpy arrays, to compare an export with."""

    def __init__(self, joint: JointModel, n_layers: int) -> None:
        super().__init__(auto_prefix=False)
        self.joint, self.n_layers = joint, n_layers
        self.set_train(False)

    def construct(self, ids, signals, mask, start, end, types, head, tail):
        one = ops.ones((1, 1, 1), ms.float32)
        layers = ops.ones((self.n_layers, 1, 1, 1), ms.float32)
        hidden, scores = self.joint(ids, signals, mask, one, layers, one)
        logits, _ = self.joint.relation(hidden, mask, types, start, end, head, tail, ops.ones((1, 1), ms.float32))
        return hidden, scores, logits

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Return hidden, span scores and logits; `start`, `end`, `types`, `head`, `tail` as the relation head takes."""
        return tuple(value.asnumpy() for value in self(*(Tensor(array) for array in arrays)))
