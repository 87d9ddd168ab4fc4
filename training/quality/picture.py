"""Draw the page's picture: F1 by relation, precision over recall of triples, calibration."""

from pathlib import Path
from typing import Any

import numpy as np

from training.quality.curves import calibration_error, precision_recall, reliability
from training.quality.measure import EXAMPLES_FROM, Measured, Quality

__all__ = ["draw_quality"]

_MIN_N = 5
_MAX_RELATIONS = 100
_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def draw_quality(quality: Quality, target: Path) -> None:
    """Write the picture as PNG; the same numbers give the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = [one for language in ("zh", "en") if (one := quality.find(EXAMPLES_FROM, language))]
    relations = _relations(written)
    figure = Figure(figsize=(11.0, max(7.0, 1.5 + 0.17 * len(relations))), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1.0))
    bars, curve, calibration = (figure.add_subplot(place) for place in (grid[:, 0], grid[0, 1], grid[1, 1]))
    _draw_bars(bars, written, relations)
    _draw_precision_recall(curve, quality)
    _draw_calibration(calibration, quality)
    for axes in (bars, curve, calibration):
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=7)
    # Without the version of matplotlib in the file.
    FigureCanvasAgg(figure).print_png(target, metadata={"Software": None})


def _relations(written: list[Measured]) -> list[str]:
    """Return the relations with enough triples to say something, the best on the first language first."""
    totals: dict[str, int] = {}
    for one in written:
        for relation, score in one.report.triples.by_type.items():
            totals[relation] = max(totals.get(relation, 0), score.n)
    known = [relation for relation, n in totals.items() if n >= _MIN_N]

    def worth(relation: str) -> tuple[float, ...]:
        scores = (one.report.triples.by_type.get(relation) for one in written)
        return tuple(-score.f1 if score else 0.0 for score in scores)

    return sorted(known, key=lambda relation: (worth(relation), relation))[:_MAX_RELATIONS]


def _draw_bars(axes: Any, written: list[Measured], relations: list[str]) -> None:
    height = 0.8 / max(1, len(written))
    for number, one in enumerate(written):
        scores = [one.report.triples.by_type.get(relation) for relation in relations]
        places = [at + (number - (len(written) - 1) / 2) * height for at in range(len(relations))]
        values = [100 * score.f1 if score else 0.0 for score in scores]
        axes.barh(places, values, height, color=_COLORS[number], label=f"{one.language}, {one.reader}")
        for place, score in zip(places, scores, strict=True):
            if score and score.bootstrap:
                low, high = score.bootstrap.f1
                axes.plot([100 * low, 100 * high], [place, place], color="0.3", linewidth=0.6)
    axes.set_yticks(range(len(relations)), relations, fontsize=7)
    axes.set_ylim(len(relations) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("F1 of triples, %")
    axes.set_title(f"by relation, written test (at least {_MIN_N} triples; lines: 95 %)", fontsize=9)


def _draw_precision_recall(axes: Any, quality: Quality) -> None:
    for number, one in enumerate(quality.probabilities):
        recall, precision = precision_recall(one.triples)
        axes.plot(
            100 * recall, 100 * precision, color=_COLORS[number], linewidth=1.2, label=f"{one.name} {one.language}"
        )
    names = [(one.name, one.language) for one in quality.probabilities]
    for measured in quality.measured:
        score = measured.report.triples.overall
        place = (measured.name, measured.language)
        if place in names or (not names and measured.name == EXAMPLES_FROM):
            color = _COLORS[names.index(place)] if place in names else "0.3"
            marker = "o" if measured.reader == "compact" else "x"
            axes.plot([100 * score.recall], [100 * score.precision], marker, color=color, markersize=5)
    axes.set(xlim=(0, 100), ylim=(0, 102), xlabel="recall of triples, %", ylabel="precision, %")
    axes.set_title("triples, one threshold for all relations\n(dot: the thresholds in use; cross: lexicon)", fontsize=9)


def _draw_calibration(axes: Any, quality: Quality) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for number, one in enumerate(quality.probabilities):
        for items, style, what in ((one.triples, "o-", "triples"), (one.entities, "s:", "entities")):
            bins = reliability(items)
            label = f"{one.name} {one.language}, {what}: error {calibration_error(bins):.3f}"
            points = np.array([(each.score, each.share) for each in bins]).reshape(-1, 2)
            axes.plot(*points.T, style, color=_COLORS[number], linewidth=1.0, markersize=3, label=label)
    if not quality.probabilities:
        axes.text(0.5, 0.4, "no compact model was measured", ha="center", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability that the model states", ylabel="share that is right")
    axes.set_title("calibration", fontsize=9)
