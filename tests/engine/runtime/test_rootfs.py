"""What is said when a root file system can't be made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import RuntimeFailure, Unsupported
from engine.oci.runtime_spec import Mount, Root, Spec
from engine.runtime import rootfs


def overlay(bundle: Path, layer: Path) -> Spec:
    for name in ("rootfs", "upper", "work"):
        (bundle / name).mkdir()
    options = (f"lowerdir={rootfs.escaped(str(layer))}", f"upperdir={bundle / 'upper'}", f"workdir={bundle / 'work'}")
    mount = Mount(destination="/", type="overlay", source="overlay", options=options)
    return Spec(oci_version="1.2.0", root=Root(path="rootfs"), mounts=(mount,))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_an_overlay_is_a_descriptor_and_on_no_tree(tmp_path: Path) -> None:
    layer = tmp_path / "lay:er"  # colons separate layers in overlay's own option
    layer.mkdir()
    (layer / "hello").write_text("from below")
    mounted = rootfs.prepare(overlay(tmp_path, layer), str(tmp_path), None)
    try:
        assert Path(f"/proc/self/fd/{mounted}/hello").read_text() == "from below"
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    finally:
        os.close(mounted)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_layer_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="/nowhere is missing"):
        rootfs.prepare(overlay(tmp_path, Path("/nowhere")), str(tmp_path), None)


def test_a_kernel_without_overlay_is_one_sentence_with_a_remedy() -> None:
    error = rootfs._explained(OSError(errno.ENODEV, "mount: No such device", "merged"))
    assert isinstance(error, Unsupported)
    assert str(error) == "this kernel has no overlay file system: load it with: modprobe overlay"
