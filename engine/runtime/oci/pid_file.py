"""Files with the id of a process, for callers that wait for them."""

from __future__ import annotations

import os

from engine.errors import RuntimeFailure


def write(path: str, pid: int) -> None:
    """Make the file appear with its content.

    Raises:
        RuntimeFailure: it can't be written.
    """
    folder, name = os.path.split(path)
    aside = os.path.join(folder, f".{name}")
    try:
        with open(aside, "w", encoding="ascii") as file:
            file.write(str(pid))
        os.rename(aside, path)
    except OSError as error:
        raise RuntimeFailure(
            f"the process id can't be written to {path} ({error.strerror})", "choose another --pid-file"
        ) from error
