"""``spec``: a config.json to begin with."""

from __future__ import annotations

import os

from msgspec import Struct

from engine.errors import Conflict, RuntimeFailure
from engine.oci.runtime_spec import encode
from engine.runtime.oci import example
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    bundle: str = "."
    file: str = "config.json"
    rootless: bool = False


def action(call: Call) -> int:
    """Write it."""
    spec = example.rootless(os.geteuid(), os.getegid()) if call.options.rootless else example.plain()
    path = os.path.join(call.options.bundle, call.options.file)
    try:
        with open(path, "xb") as file:
            file.write(encode(spec) + b"\n")
    except FileExistsError as error:
        raise Conflict(f"{path} exists already", "remove it first") from error
    except OSError as error:
        raise RuntimeFailure(f"{path} can't be written ({error.strerror})", "choose another --bundle") from error
    return 0


VERB = Verb(
    help="write a config.json to begin with",
    usage="",
    least=0,
    most=0,
    flags=(
        Flag("bundle", "text", "the folder to write it to", "b"),
        Flag("file", "text", "its name, or a whole path [config.json]", "f"),
        Flag("rootless", "switch", "with a user namespace in which the caller is root"),
    ),
    options=Options,
    action=action,
)
