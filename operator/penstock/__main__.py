"""Entry point of `penstock` and `python -m penstock`."""

import sys

from penstock.cli.app import run


def main() -> None:
    """Run one command and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
