"""`storegate` and `python -m edge`."""

from __future__ import annotations

import sys


def main() -> None:
    """`run` goes straight to the daemon, which has no use for the command line's libraries in its memory."""
    if sys.argv[1:2] == ["run"] and "--help" not in sys.argv:
        from edge.daemon import main as run  # noqa: PLC0415

        run(sys.argv[2:])
        return
    from edge.cli.root import main as cli  # noqa: PLC0415

    cli()


if __name__ == "__main__":
    main()
