"""The same from a process with threads, which must not fork: another one looks, once until the machine restarts."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from engine.errors import RuntimeFailure
from engine.paths import Paths
from engine.preflight.part import Part

_TERMINAL = "terminal"
_FILE = "preflight.json"
_Parts = tuple[Part, ...]


async def examine(paths: Paths, again: bool = False) -> _Parts:
    """Everything but the terminal, which whoever has one knows better.

    Args:
        again: also when it is known from before.

    Raises:
        RuntimeFailure: nobody could look.
    """
    file = paths.runroot / _FILE
    if not again:
        try:
            return msgspec.json.decode(file.read_bytes(), type=_Parts)
        except (OSError, msgspec.MsgspecError):
            pass
    parts = await _look(paths)
    aside = file.with_suffix(".new")
    aside.write_bytes(msgspec.json.encode(parts))
    aside.replace(file)
    return parts


async def _look(paths: Paths) -> _Parts:
    roots = ("--root", str(paths.root), "--runroot", str(paths.runroot))
    asked = (sys.executable, "-m", "engine.cli.main", *roots, "doctor", "--format", "json")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*asked, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        out, err = await process.communicate()
    except BaseException:  # whoever asked is gone: nobody else would wait for it
        process.kill()
        await process.wait()
        raise
    try:
        documents = msgspec.json.decode(out, type=list[dict[str, str]])
    except msgspec.MsgspecError as error:
        words = err.decode(errors="replace").strip().splitlines()
        raise RuntimeFailure(f"boxdeck doctor has nothing to say ({' '.join(words[-1:])})") from error
    parts = ({name.lower(): value for name, value in each.items()} for each in documents)
    return tuple(msgspec.convert(part, Part) for part in parts if part["name"] != _TERMINAL)
