"""Help texts and versions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from engine import __version__
from engine.oci.version import NEWEST_OCI_VERSION
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.settings import FLAGS
from engine.runtime.oci.verb import Verb

HELP = Flag("help", "switch", "print this", "h")


def print_version() -> int:
    """In the form that dockerd takes apart."""
    sys.stdout.write(f"boxdeck-oci version {__version__}\nspec: {NEWEST_OCI_VERSION}\n")
    return 0


def print_overview(verbs: Iterable[tuple[str, Verb]]) -> int:
    """All verbs, and the flags before them."""
    sys.stdout.write("boxdeck-oci [FLAGS] VERB …: runs containers that a config.json describes.\n\n")
    for name, verb in verbs:
        sys.stdout.write(f"  {name:<9} {verb.help}\n")
    _print_flags(FLAGS)
    return 0


def print_verb(name: str, verb: Verb) -> int:
    """One verb and its flags."""
    sys.stdout.write(f"boxdeck-oci {name} [FLAGS] {verb.usage}: {verb.help}.\n")
    _print_flags((*verb.flags, HELP))
    return 0


def _print_flags(flags: Sequence[Flag]) -> None:
    sys.stdout.write("\n")
    for flag in flags:
        if flag.help:
            short = f"-{flag.short}, " if flag.short else ""
            value = "" if flag.kind == "switch" else " …"
            sys.stdout.write(f"  {f'{short}--{flag.name}{value}':<26} {flag.help}\n")
