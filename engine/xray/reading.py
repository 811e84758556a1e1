"""Recordings read: parts of several processes put into one order, and their calls into words."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from engine.linux import trace
from engine.model.xray import KernelCall, Xray
from engine.printable import printable
from engine.xray import arguments, explain, parts
from engine.xray.handles import Handles, Passed

# Who sends descriptors comes before who receives them.
_ORDER = ("engine", "launcher", "shim", "maker", "stepping stone", "init", "exec", "unpacker")
_MAKES_CONTEXTS, _MAKES_MOUNTS = ("fsopen",), ("fsmount", "open_tree")
_OPENS = ("openat2", "open")


_LONG_NUMBER = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")  # ids and digests, which a sentence needn't spell out


class _Said(NamedTuple):
    process: str
    pid: int
    noted: trace.Noted


def read(path: str) -> Xray:
    """A recording.

    Raises:
        OSError: it can't be read.
    """
    with open(path, "rb") as file:
        found = list(parts.decode(file.read()))
    action, _, began = os.path.basename(path).rpartition("-")
    subject = os.path.basename(os.path.dirname(path))
    heading = parts.Heading(action, subject, subject[:12], 0)
    heading = next((part for part in found if isinstance(part, parts.Heading)), heading)
    own = [part for part in found if isinstance(part, parts.Part)]
    calls = sorted(_calls(own, int(began)), key=lambda call: call.at_usec)
    return Xray(
        action=heading.action,
        subject=heading.subject,
        name=heading.name,
        began_unix_ns=heading.began_unix_ns,
        error=printable(heading.error),
        calls=tuple(calls),
    )


def _calls(found: Iterable[parts.Part], began_ns: int) -> Iterator[KernelCall]:
    said = [_Said(part.process, part.pid, noted) for part in found for noted in _settled(part.calls)]
    passed = Passed()
    for process in _ORDER:
        handles = Handles()
        own = sorted((each for each in said if each.process == process), key=lambda each: each.noted[0])
        for each in _without_tries(own):
            yield _call(each, began_ns, handles)
            _follow(each.noted, handles, passed)


def _settled(noted: list[trace.Noted]) -> list[trace.Noted]:
    return [call for call in noted if call[2] != "capget"]  # a question that changes nothing


def _without_tries(said: list[_Said]) -> Iterator[_Said]:
    """Calls that were noted before they returned, but not if they did: what they returned was noted as well."""
    returned = {each.noted[3][0] for each in said if each.noted[2] == "execve" and each.noted[4] != trace.PENDING}
    for each in said:
        _, _, name, given, result, _ = each.noted
        if name != "execve" or result != trace.PENDING or given[0] not in returned:
            yield each


def _call(said: _Said, began_ns: int, handles: Handles) -> KernelCall:
    begun, ended, name, given, result, path = said.noted
    call = arguments.Call(given, path, handles)
    kind, sentence = explain.told(name, call)
    return KernelCall(
        at_usec=(begun - began_ns) / 1000,
        duration_usec=None if result == trace.PENDING else (ended - begun) / 1000,
        process=said.process,
        pid=said.pid,
        kind=kind,
        name=name,
        arguments=printable(arguments.arguments(name, call)),
        result=_result(name, result) + _times(given),
        failed=result < 0 and result != trace.PENDING,
        explanation=printable(_LONG_NUMBER.sub(r"\1…", sentence)),
    )


def _times(given: tuple[Any, ...]) -> str:
    """How often, of what stands for several calls."""
    many = given[:1] == (trace.MANY,) and given[1] > 1
    return f", {given[1]:,} times" if many else ""


def _result(name: str, result: int) -> str:
    if result == trace.PENDING:
        return "?"
    if result < 0:
        return f"-1 {errno.errorcode.get(-result, -result)} ({os.strerror(-result)})"
    if name in ("clone3", "fork") and result == 0:
        return "0 (in the child)"
    return str(result)


def _follow(noted: trace.Noted, handles: Handles, passed: Passed) -> None:
    """Learn what descriptors stand for from a call's result."""
    _, _, name, given, result, path = noted
    if result < 0:
        return
    if name in _MAKES_CONTEXTS:
        handles.forget(result)
        handles.learn(result, f"{path} context")
    elif name == "fsmount":
        handles.forget(given[0])  # which is closed now
        handles.learn(result, path)
    elif name == "open_tree":
        handles.learn(result, arguments.text(given[1]) or handles.name(given[0]))
    elif name in _OPENS:
        handles.learn(result, path or arguments.text(given[0]))
    elif name == "fchdir":
        handles.enter(given[0])
    elif name == "sendmsg":
        passed.send(handles, given)
    elif name == "recvmsg":
        passed.receive(handles, given)
