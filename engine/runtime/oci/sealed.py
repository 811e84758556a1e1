"""An interpreter that no container can write to, for the verbs whose process becomes one.

Init and exec are this very process until they execute the container's program. If that program is
``/proc/self/exe``, or a script that names it as its interpreter, the container holds our executable, and root in it
could write to that file on the host (CVE-2019-5736). So these verbs run from a sealed copy in memory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_VERBS = ("create", "run", "exec")
_NAME = "boxdeck-oci"
_BOOTSTRAP = (
    "import sys; sys.path[:0] = sys.argv.pop(1).split(':');"
    " from engine.runtime.oci.entry import run_here; sys.exit(run_here(sys.argv[1:]))"
)


def ensure(arguments: Sequence[str]) -> None:
    """Execute this command again from a sealed copy of the interpreter, unless that was done, or isn't needed."""
    if not any(verb in arguments for verb in _VERBS) or os.readlink("/proc/self/exe").startswith(f"/memfd:{_NAME}"):
        return
    from engine.linux import memfd

    interpreter = memfd.sealed_copy("/proc/self/exe", _NAME)
    # Without site-packages; our own package and msgspec are all that is needed.
    folders = ":".join(folder for folder in sys.path if os.path.isdir(f"{folder}/engine") or _has_msgspec(folder))
    os.execve(interpreter, [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, folders, *arguments], os.environ)


def _has_msgspec(folder: str) -> bool:
    return os.path.isdir(f"{folder}/msgspec")
