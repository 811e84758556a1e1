"""Who may import what: containers pay for what their shim imports, the command line for what it doesn't need."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
HEAVY = ("asyncio", "textual", "sqlite3", "pyroute2", "psutil", "httpx", "ssl", "engine.store", "engine.engine", "tui")
UNPACKING = ("asyncio", "textual", "sqlite3", "httpx", "ssl", "subprocess", "engine.config", "engine.engine", "tui")
IN_THE_LAUNCHER = ("launcher", "shim", "recorder", "init", "exec")
BESIDE_THE_LAUNCHER = ("engine.cgroups.manager", "engine.cgroups.limits", "engine.cgroups.v1", "engine.cgroups.v2")


def imported_by(statement: str) -> frozenset[str]:
    """All modules that an interpreter has after a statement."""
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules), sep='\\n')"
    ended = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return frozenset(ended.stdout.splitlines())


def among(modules: frozenset[str], unwanted: tuple[str, ...]) -> list[str]:
    """Those modules that are, or are inside, an unwanted one."""
    return sorted(name for name in modules if any(name == word or name.startswith(f"{word}.") for word in unwanted))


def sources(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((CHECKOUT / package).rglob("*.py")):
        yield str(path.relative_to(CHECKOUT)), ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    """Names of everything that a file imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("module", [f"engine.runtime.{name}" for name in IN_THE_LAUNCHER] + list(BESIDE_THE_LAUNCHER))
def test_what_lives_in_the_launcher_is_light(module: str) -> None:
    assert among(imported_by(f"import {module}"), HEAVY) == []


def test_what_unpacks_layers_is_there_before_a_registry_has_answered() -> None:
    assert among(imported_by("import engine.images.unpack_program"), UNPACKING) == []


@pytest.mark.parametrize("package", ["engine/linux", "engine/runtime", "engine/cgroups", "engine/oci"])
def test_rooms_near_the_kernel_know_nothing_of_the_store_or_an_event_loop(package: str) -> None:
    unwanted = ("asyncio", "textual", "sqlite3", "pyroute2", "psutil", "engine.store", "engine.engine", "tui")
    wrong = {name: among(frozenset(imports(tree)), unwanted) for name, tree in sources(package)}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_engine_never_imports_the_app() -> None:
    wrong = {name: among(frozenset(imports(tree)), ("tui", "textual")) for name, tree in sources("engine")}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_app_never_reaches_past_the_engine() -> None:
    wrong = {
        name: among(frozenset(imports(tree)), ("pyroute2", "ctypes", "psutil", "sqlite3"))
        for name, tree in sources("tui")
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_app_never_reads_the_kernels_files() -> None:
    texts = ("/proc/", "/sys/")
    for name, tree in sources("tui"):
        strings = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        paths = [text for text in strings if text.startswith(texts)]
        assert paths == [], name


def test_the_app_begins_without_the_command_line() -> None:
    assert among(imported_by("import tui.app"), ("engine.cli", "argparse")) == []


def test_the_first_frame_needs_no_emulator_and_no_other_screen_or_side() -> None:
    screens = ("columns", "help", "host", "images", "networks", "pick", "run_form", "topology")
    sides = ("graphs", "log_view", "namespace_tree", "processes", "shell_pane", "shells", "topology")
    unseen = [*(f"tui.screens.{name}" for name in screens), *(f"tui.widgets.{name}" for name in sides)]
    later = ("bittty", "pyghostty", "wcwidth", "pyroute2", "psutil", "watchfiles", "tui.commands", "engine.sampler")
    assert among(imported_by("import tui.entry, tui.app"), (*later, *unseen)) == []


def test_version_imports_no_engine() -> None:
    found = imported_by("import sys; from tui.entry import main; sys.argv = ['boxdeck', 'version']; main()")
    assert (
        among(found, ("textual", "sqlite3", "pyroute2", "psutil", "engine.engine", "engine.containers", "asyncio"))
        == []
    )


def test_the_engine_opens_without_the_apps_and_the_networks_libraries() -> None:
    found = imported_by("import engine.engine")
    assert among(found, ("textual", "pyroute2", "psutil", "bittty", "watchfiles", "tui")) == []


def test_who_only_looks_at_containers_pays_for_none_who_makes_or_ends_them() -> None:
    later = ("engine.compile", "engine.creating", "engine.launch", "engine.network.networks", "engine.starting")
    assert among(imported_by("import engine.engine"), later) == []


def test_a_command_that_only_looks_starts_without_an_event_loop() -> None:
    found = imported_by("import engine.cli.main, engine.cli.stats, engine.glance")
    heavy = (
        "asyncio",
        "psutil",
        "pyroute2",
        "ssl",
        "subprocess",
        "tempfile",
        "engine.containers",
        "engine.launch",
        "tui",
    )
    assert among(found, heavy) == []


def test_verbs_import_no_app() -> None:
    modules = (
        "run",
        "containers",
        "update",
        "cp",
        "rename",
        "listing",
        "streams",
        "logs",
        "stats",
        "top",
        "cgroup",
        "events",
        "inspect",
        "images",
        "system",
        "version",
        "namespaces",
    )
    found = imported_by("\n".join(f"import engine.cli.{name}" for name in modules))
    assert among(found, ("textual", "pyroute2", "psutil", "sqlite3", "engine.engine", "tui")) == []
