"""The network of jieba's lac_small in numpy, character by character, as its definition in Paddle says."""

from itertools import pairwise

import numpy as np

from training.compact.lac import read_weights

N_LAYERS = 2


def lac_vectors(ids):
    """Return what both layers say of each character, (n_characters, 2 * n_layers, size): forward, backward by layer."""
    weights, _ = read_weights()
    x = weights["word_emb"][ids]
    layers = []
    for layer in range(N_LAYERS):
        sides = [_side(weights, 2 * layer + side, x, backward=bool(side)) for side in (0, 1)]
        layers += sides
        x = np.concatenate(sides, 1)
    return np.stack(layers, 1)


def lac_tags(ids):
    """Return the tag of each character, by number: the best path through the scores of the last layer."""
    weights, _ = read_weights()
    hidden = lac_vectors(ids)[:, -2:].reshape(len(ids), -1)
    scores = hidden @ weights["fc_4.w_0"] + weights["fc_4.b_0"]
    start, end, moves = weights["crfw"][0], weights["crfw"][1], weights["crfw"][2:]
    best = start + scores[0]
    steps = []
    for row in scores[1:]:
        through = best[:, None] + moves
        steps.append(through.argmax(0))
        best = through.max(0) + row
    tags = [int((best + end).argmax())]
    for step in reversed(steps):
        tags.append(int(step[tags[-1]]))
    return tags[::-1]


def _side(weights, number, x, *, backward):
    """Source: Paddle's dynamic_gru, h = (1 - u) * h + u * candidate."""
    size = weights[f"gru_{number}.b_0"].size // 3
    inputs = x @ weights[f"fc_{number}.w_0"] + weights[f"fc_{number}.b_0"] + weights[f"gru_{number}.b_0"].reshape(-1)
    flat = weights[f"gru_{number}.w_0"].reshape(-1)
    of_gates, of_state = flat[: 2 * size * size].reshape(size, -1), flat[2 * size * size :].reshape(size, size)
    out, h = np.zeros((len(x), size), np.float32), np.zeros(size, np.float32)
    for at in range(len(x))[:: -1 if backward else 1]:
        gates = 1.0 / (1.0 + np.exp(-(inputs[at, : 2 * size] + h @ of_gates)))
        update, reset = gates[:size], gates[size:]
        h = (1.0 - update) * h + update * np.tanh(inputs[at, 2 * size :] + (reset * h) @ of_state)
        out[at] = h
    return out


def names(text, tags, tag_names):
    """Return the pieces of a text with their tags."""
    starts = [at for at, tag in enumerate(tags) if tag_names[tag].endswith("-B") or at == 0]
    return [(text[start:end], tag_names[tags[start]].split("-")[0]) for start, end in pairwise([*starts, len(text)])]
