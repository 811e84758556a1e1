"""What is asked before a container loses something, and what that is."""

from __future__ import annotations

from collections.abc import Callable

from engine.model import Container
from tui.drawing import units
from tui.screens.confirm import Confirm


def removal(container: Container, written_bytes: int | None) -> Confirm:
    """Whether it is to be removed.

    Args:
        written_bytes: what it has written beside its volumes; None where that isn't known in time.
    """
    written = f"The {units.size(written_bytes)} that" if written_bytes else "Everything that"
    lost = f"{written} was written in it goes with it, and so do its logs."
    if kept := [mount.name for mount in container.request.volumes if mount.name]:
        lost += f" What is in {', '.join(kept)} stays."
    if container.is_running:
        lost = f"It is running: its processes will be killed. {lost}"
    return Confirm(f"remove {container.name}", lost, "kill and remove it" if container.is_running else "remove it")


def killing(container: Container) -> Confirm:
    """Whether its processes are to end at once."""
    whom = f" (SIGKILL to pid {container.pid} and all others in it)" if container.pid else ""
    lost = f"Its processes end at once{whom}; what they haven't written to a file is lost."
    return Confirm(f"kill {container.name}", lost, "kill it")


def starting(container: Container) -> Confirm:
    """Whether a container is to be started, for somebody who wants to work in it."""
    state = "was never started" if container.exit_status is None else "has ended"
    sentence = f"It {state}: there is no process in it that a shell could be opened beside."
    return Confirm(f"{container.name} isn't running", sentence, "start it", loses=False)


def why_not(action: str, container: Container | None, key_of: Callable[[str], str]) -> str:
    """Why a key can do nothing to what is selected.

    Args:
        key_of: the key in force of an id.
    """
    if container is None:
        return "No container is selected."
    if action == "start":
        return f"{container.name} is running already; {key_of('container.restart')} restarts it."
    return f"{container.name} isn't running; {key_of('container.start')} starts it."


def debugging(container: Container) -> Confirm:
    """Whether a shell is to be brought into a container that has none."""
    sentence = (
        "Its image has none. One can be brought in: a shell of the image base in its namespaces, which begins in its"
        " files. It leaves nothing behind."
    )
    return Confirm(f"{container.name} has no shell", sentence, "bring one in", loses=False)
