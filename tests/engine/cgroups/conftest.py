"""Cgroups of our own, below a parent that no engine uses, and children that wait to be put into them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from engine.cgroups import manager
from engine.cgroups.manager import Cgroup
from engine.oci.resources_spec import LinuxResources

Make = Callable[..., Cgroup]
Spawn = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def parent() -> Iterator[str]:
    """The name of a parent cgroup; whatever is left in it is killed and removed, and the parent too."""
    if os.geteuid() != 0:
        pytest.skip("making cgroups needs root")
    name = f"boxdeck-test{os.getpid()}"
    yield name
    for child in manager.list_children(name):
        cgroup = Cgroup(f"/{name}/{child}")
        cgroup.kill()
        assert cgroup.remove()
    assert manager.remove_parent(name)
    assert manager.list_children(name) == []


@pytest.fixture
def make(parent: str) -> Make:
    """Makes a cgroup below the parent."""

    def make_one(name: str = "one", resources: LinuxResources | None = None) -> Cgroup:
        return Cgroup.create(f"/{parent}/{name}", resources or LinuxResources())

    return make_one


@pytest.fixture
def spawn(parent: str) -> Iterator[Spawn]:
    """Starts a child that runs a piece of Python once a line arrives on its standard input."""
    children: list[subprocess.Popen[bytes]] = []

    def spawn_one(code: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-I", "-S", "-c", f"import os, sys, time\nsys.stdin.readline()\n{code}"]
        children.append(
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        )
        return children[-1]

    yield spawn_one
    for name in manager.list_children(parent):  # grandchildren, who hold the pipes, first
        Cgroup(f"/{parent}/{name}").kill()
    for child in children:
        child.kill()
        child.communicate()


def let_go(child: subprocess.Popen[bytes]) -> None:
    """Let a child run its code."""
    assert child.stdin is not None
    child.stdin.write(b"\n")
    child.stdin.flush()


def line_from(child: subprocess.Popen[bytes]) -> bytes:
    """The next line that a child prints, without its newline."""
    assert child.stdout is not None
    return child.stdout.readline().rstrip(b"\n")
