"""`python -m training COMMAND`: corpus (annotated text), and whatever else registers itself in COMMANDS.

A command is a module with `add_arguments(parser)` and `run(arguments)`, which returns the exit status; it is imported
when it is asked for. Exit status: 0 done, 1 failed or found something wrong, 2 used wrongly.
"""
# ruff: noqa: T201  a command prints

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from kgbuilder.errors import KGBuilderError

__all__ = ["COMMANDS", "main"]

COMMANDS: Mapping[str, tuple[str, str]] = {
    "corpus": ("training.data.command", "check, count and convert annotated text"),
    "train": ("training.compact.command", "train the compact extractor"),
    "quality": ("training.quality.command", "measure the extractors of the package, write docs/quality.md"),
}
"""Name of a command: its module, and what it does in a few words."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m training", description="Train and measure extractors.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, does) in COMMANDS.items():
        commands.add_parser(name, help=does, add_help=False)
    if not given or given[0] not in COMMANDS:
        parser.parse_args(given[:1])
    module = importlib.import_module(COMMANDS[given[0]][0])
    own = argparse.ArgumentParser(prog=f"python -m training {given[0]}", description=COMMANDS[given[0]][1])
    module.add_arguments(own)
    arguments = own.parse_args(given[1:])
    try:
        status: int = module.run(arguments)
    except KGBuilderError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has gone; what Python still wants to flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
