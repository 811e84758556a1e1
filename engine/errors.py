"""Every way in which Boxdeck says no: a small tree of exceptions, each with a cause and a remedy."""

from __future__ import annotations

from engine.printable import printable


class BoxdeckError(Exception):
    """A failure that a person can act on.

    Args:
        cause: what went wrong, as the start of a sentence without a full stop.
        remedy: what to do next; may be empty where nothing can be done.

    ``str(error)`` is one line: ``cause: remedy`` or ``cause``. An image's names may be in it, so what a terminal would
    obey is shown as ``?``.
    """

    exit_status = 125  # docker run(1), "Exit Status": the tool itself failed

    def __init__(self, cause: str, remedy: str = "") -> None:
        self.cause, self.remedy = printable(cause), printable(remedy)
        super().__init__(f"{self.cause}: {self.remedy}" if remedy else self.cause)


class InvalidRequest(BoxdeckError):
    """The request can't be right on any machine: a limit that is no number, a name with a slash."""


class NotFound(BoxdeckError):
    """No container, image, network or file goes by that name."""


class Conflict(BoxdeckError):
    """The request clashes with what exists: a name in use, a container in the wrong state."""


class Unsupported(BoxdeckError):
    """This kernel, or the privileges we have, can't do what was asked; the cause names the missing part."""


class RuntimeFailure(BoxdeckError):
    """Launcher, shim or init failed on the way to a running process."""


class CommandNotFound(RuntimeFailure):
    """The container's command doesn't exist inside it."""

    exit_status = 127


class CommandNotExecutable(RuntimeFailure):
    """The container's command exists but can't be executed."""

    exit_status = 126


class ImageError(BoxdeckError):
    """An image, layer or archive is damaged, hostile or in a form that we can't read."""


class RegistryError(BoxdeckError):
    """A registry can't be reached, refuses, or answers with nonsense."""


class StoreError(BoxdeckError):
    """The state on disk can't be read or written."""
