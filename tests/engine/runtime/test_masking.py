"""Masked and read-only paths, seen from inside."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.engine.runtime.box import DEV, PROC, Bundle, linux, mount, needs_root, options_of

pytestmark = [pytest.mark.vm, needs_root]


@pytest.mark.parametrize("user", [False, True])
def test_files_and_folders_are_hidden_and_what_is_missing_is_left_out(bundle: Bundle, user: bool) -> None:
    secret = bundle.root / "secret"
    secret.mkdir()
    (secret / "file").write_text("text")
    (bundle.root / "file").write_text("text")
    masked = ("/proc/version", "/proc/irq", "/secret", "/file", "/nowhere", "/file/below", "/proc/uptime")

    def probe() -> list[object]:
        sizes = [len(Path(path).read_bytes()) for path in ("/proc/version", "/file", "/proc/uptime")]
        writable = [os.access(path, os.W_OK) for path in ("/secret", "/proc/irq")]
        return [*sizes, os.listdir("/secret"), os.listdir("/proc/irq"), writable, os.path.lexists("/nowhere")]

    spec = bundle.spec(PROC, linux=linux(user=user, masked_paths=masked))
    assert bundle.run(spec, probe) == [0, 0, 0, [], [], [False, False], False]
    assert (secret / "file").read_text() == "text"


@pytest.mark.parametrize("user", [False, True])
def test_read_only_paths_are_so_with_all_that_is_mounted_below(bundle: Bundle, user: bool) -> None:
    wanted = (PROC, mount("/tree", "tmpfs"), mount("/tree/below", "tmpfs"))
    readonly = ("/proc/sys", "/tree", "/nowhere", "/proc/uptime")

    def probe() -> list[bool]:
        return [options_of(path).startswith("ro") for path in ("/proc/sys", "/tree", "/tree/below", "/proc/uptime")]

    assert bundle.run(bundle.spec(*wanted, linux=linux(user=user, readonly_paths=readonly)), probe) == [True] * 4


def test_what_covers_a_file_is_the_null_device(bundle: Bundle) -> None:
    spec = bundle.spec(PROC, DEV, linux=linux(masked_paths=("/proc/version",)))
    assert (
        bundle.run(spec, lambda: stat.S_ISCHR(os.stat("/proc/version").st_mode) and os.stat("/proc/version").st_rdev)
        == 259
    )
