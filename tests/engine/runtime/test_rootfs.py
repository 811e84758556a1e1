"""The root file system: of layers or a folder, its propagation, and what is said when it can't be made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import BoxdeckError, InvalidRequest, RuntimeFailure, Unsupported
from engine.oci.runtime_spec import Mount, Root, Spec
from engine.runtime import overlay, rootfs
from tests.engine.runtime.box import (
    FIRST_ID,
    PROC,
    Bundle,
    linux,
    mount,
    needs_root,
    options_of,
    where_all_is_shared,
)

pytestmark = pytest.mark.vm


def layered(bundle: Path, *layers: Path, upper: bool = True) -> Mount:
    for name in ("upper", "work"):
        (bundle / name).mkdir(exist_ok=True)
    options = [f"lowerdir={':'.join(overlay.escaped(str(layer)) for layer in layers)}"]
    if upper:
        options += [f"upperdir={bundle / 'upper'}", f"workdir={bundle / 'work'}"]
    return Mount(destination="/", type="overlay", source="overlay", options=tuple(options))


@needs_root
@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("user", [False, True])
def test_layers_are_shown_as_one_and_on_no_tree_of_the_host(
    bundle: Bundle, user: bool, detached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlay, "TAKES_DETACHED_LAYERS", detached and overlay.TAKES_DETACHED_LAYERS)
    layers = [bundle.folder / name for name in ("lay:er", "back\\slash,comma")]
    for number, layer in enumerate(layers):
        layer.mkdir()
        (layer / "both").write_text(str(number))
        (layer / f"only{number}").write_text("")
    before = Path("/proc/self/mountinfo").read_text()

    def probe() -> list[object]:
        Path("/new").write_text("")
        owners = [os.stat(path).st_uid for path in ("/both", "/only1", "/new", "/")]
        return [Path("/both").read_text(), sorted(os.listdir("/")), owners]

    spec = bundle.spec(layered(bundle.folder, *layers), linux=linux(user=user))
    if user:  # as the upper folder holds shifted ids
        os.chown(bundle.folder / "upper", FIRST_ID, FIRST_ID)
    assert bundle.run(spec, probe) == ["0", ["both", "new", "only0", "only1"], [0, 0, 0, 0]]
    assert Path("/proc/self/mountinfo").read_text() == before


@needs_root
def test_without_an_upper_folder_nothing_can_be_written(bundle: Bundle) -> None:
    layers = [bundle.folder / name for name in ("one", "two")]
    for layer in layers:
        layer.mkdir()
    spec = bundle.spec(layered(bundle.folder, *layers, upper=False))
    assert bundle.run(spec, lambda: os.access("/", os.W_OK)) is False


@needs_root
def test_what_an_earlier_start_worked_in_is_removed_when_nobody_waits(bundle: Bundle) -> None:
    layer, work = bundle.folder / "layer", bundle.folder / "work"
    layer.mkdir()
    spec = bundle.spec(layered(bundle.folder, layer))
    os.close(rootfs.prepare(spec, str(bundle.folder), None))
    overlay.let_go()
    worked_in = (work / "work").stat().st_ino
    root = rootfs.prepare(spec, str(bundle.folder), None)
    assert (work / "old").stat().st_ino == worked_in != (work / "work").stat().st_ino
    overlay.let_go()
    assert os.listdir(work) == ["work"]
    os.close(root)


@needs_root
def test_what_a_crash_left_where_an_earlier_start_worked_keeps_nobody_from_the_next(bundle: Bundle) -> None:
    layer, work = bundle.folder / "layer", bundle.folder / "work"
    for path in (layer, work / "work", work / "old"):
        path.mkdir(parents=True)
        (path / "left").write_text("")
    os.close(rootfs.prepare(bundle.spec(layered(bundle.folder, layer)), str(bundle.folder), None))
    overlay.let_go()
    assert os.listdir(work / "work") == []


@needs_root
def test_the_root_may_be_any_file_system_or_a_bind(bundle: Bundle) -> None:
    (bundle.folder / "other").mkdir()
    (bundle.folder / "other/who").write_text("other")
    assert bundle.run(bundle.spec(mount("/", "tmpfs", "mode=700"), PROC), lambda: "mode=700" in options_of("/"))
    bound = bundle.spec(mount("/", "bind", "rbind", "nosuid", source="other"), PROC)
    assert bundle.run(bound, lambda: [Path("/who").read_text(), "nosuid" in options_of("/")]) == ["other", True]


@needs_root
@pytest.mark.parametrize("readonly", [False, True])
def test_a_read_only_root_is_so_and_what_is_mounted_in_it_isn_t(bundle: Bundle, readonly: bool) -> None:
    spec = bundle.spec(PROC, mount("/tmp", "tmpfs"), readonly=readonly)
    probe = lambda: [os.access("/", os.W_OK), os.access("/tmp", os.W_OK)]  # noqa: E731
    assert bundle.run(spec, probe) == [not readonly, True]


@needs_root
@pytest.mark.parametrize("propagation", ["", "shared", "rshared", "slave"])
def test_what_a_container_mounts_never_appears_on_a_host_whose_mounts_are_shared(
    bundle: Bundle, propagation: str
) -> None:
    """A copy of a shared mount is its peer. (Seen to fail without the propagation that `prepare` sets first.)"""
    spec = bundle.spec(PROC, mount("/made", "tmpfs"), linux=linux(rootfs_propagation=propagation))

    def work() -> list[str]:
        before = Path("/proc/self/mountinfo").read_text()
        assert bundle.run(spec, lambda: options_of("/made"))
        return sorted(set(Path("/proc/self/mountinfo").read_text().splitlines()) - set(before.splitlines()))

    assert where_all_is_shared(work) == []  # what had come here would have outlived the container


@needs_root
@pytest.mark.parametrize(
    ("propagation", "shown"),
    [("", "-"), ("private", "-"), ("rprivate", "-"), ("shared", "shared:"), ("rshared", "shared:"),
     ("slave", "master:"), ("rslave", "master:"), ("unbindable", "unbindable"), ("runbindable", "unbindable")],
)  # fmt: skip
def test_the_roots_propagation_is_as_asked_for(bundle: Bundle, propagation: str, shown: str) -> None:
    spec = bundle.spec(PROC, mount("/x", "tmpfs"), linux=linux(rootfs_propagation=propagation))
    found = where_all_is_shared(lambda: bundle.run(spec, lambda: [options_of(path).split()[1] for path in ("/", "/x")]))
    assert isinstance(found, list)
    assert found[0].startswith(shown)
    assert found[1].startswith(shown if propagation in ("rshared", "runbindable") else "-")


@needs_root
@pytest.mark.parametrize(
    ("user", "option", "shown"),
    [(False, "rprivate", "-"), (False, "rslave", "master:"), (False, "rshared", "shared:"), (True, "rshared", "both")],
)
def test_a_volume_is_the_peer_of_the_hosts_mount_only_when_it_is_shared(
    bundle: Bundle, user: bool, option: str, shown: str
) -> None:
    (bundle.folder / "data").mkdir()
    spec = bundle.spec(PROC, mount("/x", "bind", "rbind", option, source="data"), linux=linux(user=user))
    found = str(where_all_is_shared(lambda: bundle.run(spec, lambda: options_of("/x"))))
    if shown == "both":
        assert "shared:" in found and "master:" in found
    else:
        assert found.split()[1].startswith(shown)


@needs_root
@pytest.mark.parametrize("user", [False, True])
def test_without_pivot_root_no_full_proc_or_sys_of_the_host_is_left(bundle: Bundle, user: bool) -> None:
    (bundle.root / "who").write_text("box")
    spec = bundle.spec(PROC, linux=linux(user=user, masked_paths=("/proc/keys",)))

    def probe() -> list[object]:
        os.chdir("/")
        for _ in range(20):
            os.chdir("..")
        kinds = [line.split(" - ")[1].split()[0] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [Path("who").read_text(), kinds.count("sysfs"), kinds.count("proc")]

    assert bundle.run(spec, probe, pivot=False) == ["box", 0, 1]


@needs_root
def test_a_layer_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    mounted = layered(tmp_path, Path("/nowhere"))
    spec = Spec(oci_version="1.2.0", root=Root(path="rootfs"), mounts=(mounted,))
    with pytest.raises(RuntimeFailure, match="/nowhere is missing"):
        rootfs.prepare(spec, str(tmp_path), None)


@needs_root
def test_a_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoxdeckError, match=f"the root file system {tmp_path}/rootfs is no folder"):
        rootfs.prepare(Spec(oci_version="1.2.0", root=Root(path="rootfs")), str(tmp_path), None)
    with pytest.raises(InvalidRequest, match=r"config.json has no root"):
        rootfs.prepare(Spec(oci_version="1.2.0"), str(tmp_path), None)


def test_a_kernel_without_overlay_is_one_sentence_with_a_remedy() -> None:
    error = rootfs._explained(OSError(errno.ENODEV, "mount: No such device", "merged"))
    assert isinstance(error, Unsupported)
    assert str(error) == "this kernel has no overlay file system: load it with: modprobe overlay"
