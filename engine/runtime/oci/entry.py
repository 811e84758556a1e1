"""The console script: what must happen before anything else is imported."""

from __future__ import annotations

import gc
import sys

from engine import standard_streams
from engine.runtime.oci import sealed


def main() -> int:
    """Do what the command line says; returns the exit status."""
    standard_streams.replace_closed()
    arguments = sys.argv[1:]
    sealed.ensure(arguments)
    return run_here(arguments)


def run_here(arguments: list[str]) -> int:
    """Do what the words say in this very process; returns the exit status."""
    # msgspec wants them for Pythons that we don't run on; without them it takes what `typing` has, in half the time.
    sys.modules.setdefault("typing_extensions", None)  # type: ignore[arg-type]
    gc.disable()  # nothing of what imports make is garbage, and looking for it is a twelfth of a short command's time
    from engine.runtime.oci.command import Command

    return Command(arguments).run()


if __name__ == "__main__":
    sys.exit(main())
