"""A bundle that every runtime takes, made from the engine's own config.json."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.oci.runtime_spec import Mount, Root, Spec, encode

_OLDEST_VERSION = "1.0.2"  # newer ones are refused by Debian 12's crun


def copy_root(layer: Path, spec: Spec, rootfs: Path) -> Path:
    """An image's layer as a plain folder that belongs to the container's root."""
    shutil.copytree(layer, rootfs, symlinks=True)
    first_id = spec.linux.uid_mappings[0].host_id if spec.linux and spec.linux.uid_mappings else 0
    for folder, folders, files in os.walk(rootfs):
        for name in (".", *folders, *files):
            os.chown(f"{folder}/{name}", first_id, first_id, follow_symlinks=False)
    return rootfs


def make_bundle(folder: Path, spec: Spec, rootfs: Path, argv: Sequence[str], cgroup: str) -> Path:
    """Everything of the engine's container but the overlay, which is `rootfs` as it is, and the cgroup's name."""
    assert spec.process is not None and spec.linux is not None
    folder.mkdir()
    changed = replace(
        spec,
        oci_version=_OLDEST_VERSION,
        root=Root(path=str(rootfs)),
        mounts=tuple(_reachable(mount, folder) for mount in spec.mounts if mount.destination != "/"),
        process=replace(spec.process, args=tuple(argv)),
        linux=replace(spec.linux, cgroups_path=cgroup),
    )
    (folder / "config.json").write_bytes(encode(changed))
    return folder


def _reachable(mount: Mount, folder: Path) -> Mount:
    """Runtimes that mount from inside the user namespace can't pass the engine's private folders."""
    if mount.type != "bind":
        return mount
    copied = shutil.copy(mount.source, folder / Path(mount.destination).name)
    return replace(mount, source=str(copied))
