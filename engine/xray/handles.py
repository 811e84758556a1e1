"""What descriptors stood for when a call used them, found out by following the calls that made them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

AT_FDCWD = -100


class Handles:
    """The descriptors of one process, as far as its own calls tell."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._here = ""

    def learn(self, descriptor: int, name: str) -> None:
        """A call has returned it."""
        if descriptor >= 0 and name:
            self._names[descriptor] = name

    def forget(self, descriptor: int) -> None:
        """It is known to be something else now."""
        self._names.pop(descriptor, None)

    def name(self, descriptor: int) -> str:
        """What it stands for; empty where that isn't known."""
        return self._names.get(descriptor, "")

    def shown(self, descriptor: int, name: str = "") -> str:
        """As ``strace -y`` shows it: ``3</proc>``."""
        if descriptor == AT_FDCWD:
            return "AT_FDCWD"
        known = name or self.name(descriptor)
        return f"{descriptor}<{known}>" if known else str(descriptor)

    def enter(self, descriptor: int) -> None:
        """It has become the working directory."""
        self._here = self.name(descriptor)

    def place(self, path: str) -> str:
        """Where a path leads: below the working directory, if it isn't absolute and that is known."""
        if path.startswith("/") or not self._here:
            return path
        return self._here if path == "." else f"{self._here.rstrip('/')}/{path}"


class Passed:
    """Descriptors on their way from one process to another (SCM_RIGHTS), which have other numbers there."""

    def __init__(self) -> None:
        self._names: deque[list[str]] = deque()

    def send(self, handles: Handles, numbers: Iterable[int]) -> None:
        """A process has sent them."""
        self._names.append([handles.name(number) for number in numbers])

    def receive(self, handles: Handles, numbers: Iterable[int]) -> None:
        """Another has received them."""
        if self._names:
            for number, name in zip(numbers, self._names.popleft(), strict=False):
                handles.forget(number)
                handles.learn(number, name)
