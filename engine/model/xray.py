"""An action as the kernel saw it: every call, by whom, when and what for."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CallKind = Literal["namespace", "mount", "cgroup", "ids", "network", "firewall", "privilege", "process", "file"]


class KernelCall(Struct, frozen=True, kw_only=True, rename="pascal"):
    """One call to the kernel, as it was noted by the process that made it.

    Attributes:
        at_usec: begin, since the action began; below 0 for what was done in advance.
        duration_usec: None for a call that doesn't return.
        process: who called: engine, launcher, shim, maker, init, stepping stone or exec.
        pid: the caller's, as it sees itself.
        name: of the call.
        arguments: as strace(1) would write them.
        result: what the call returned, or the name of the error and what it means.
        failed: whether that is an error.
        explanation: what the call is for, in plain words.
    """

    at_usec: float
    duration_usec: float | None
    process: str
    pid: int
    kind: CallKind
    name: str
    arguments: str
    result: str
    failed: bool
    explanation: str

    @property
    def text(self) -> str:
        """The call and its result in one line."""
        return f"{self.name}({self.arguments}) = {self.result}"


class Xray(Struct, frozen=True, kw_only=True, rename="pascal"):
    """What was asked of the kernel for one action.

    Attributes:
        action: such as ``start``.
        subject, name: the id of what it was done to, and what that was called then.
        began_unix_ns: when; 0 when the engine that asked for it was killed.
        error: why it failed; empty when it didn't.
        calls: in the order of their beginnings.
    """

    action: str
    subject: str
    name: str
    began_unix_ns: int
    error: str
    calls: tuple[KernelCall, ...]

    @property
    def duration_usec(self) -> float:
        """From the action's begin to the end of its last call."""
        return max((call.at_usec + (call.duration_usec or 0.0) for call in self.calls), default=0.0)
