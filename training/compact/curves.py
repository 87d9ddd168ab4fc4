"""Draw the log of a run: loss and F1 by step."""

import csv
from pathlib import Path

__all__ = ["draw_curves"]


def draw_curves(log: Path, target: Path) -> None:
    """Read log.csv and write a picture of two panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with log.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, columns in ((left, ("loss", "entity_loss", "relation_loss")), (right, ("entity_f1", "triple_f1"))):
        for column in columns:
            points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
            axes.plot([x for x, _ in points], [y for _, y in points], label=column.replace("_", " "), linewidth=1.2)
        axes.set_xlabel("step")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    right.set_ylim(0, 100)
    FigureCanvasAgg(figure).print_png(target)
