"""`python -m kgbuilder` is the `kgbuilder` command."""

from kgbuilder.cli import main

main()
