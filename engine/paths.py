"""The one place that knows where state lives and what kernel objects are called."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

DEFAULT_ROOT = Path("/var/lib/boxdeck")
DEFAULT_RUNROOT = Path("/run/boxdeck")


class Paths:
    """Folders and names that belong to one root.

    Durable state is below `root`, run-time state (pids, sockets, status files) below `runroot`, which
    should be on tmpfs. Kernel objects of the default root have plain names; those of any other root
    carry six digits of a hash of it, so that engines on different roots never meet.
    """

    def __init__(self, root: Path, runroot: Path) -> None:
        self.root = root
        self.runroot = runroot

    @classmethod
    def resolve(cls, root: str | None = None, runroot: str | None = None) -> Paths:
        """Choose folders from arguments, then BOXDECK_ROOT and BOXDECK_RUNROOT, then the defaults.

        A root of one's own without a runroot gets a runroot named after it, so that two roots never share one.
        """
        root = root or os.environ.get("BOXDECK_ROOT") or None
        runroot = runroot or os.environ.get("BOXDECK_RUNROOT") or None
        chosen = Path(os.path.abspath(root)) if root else DEFAULT_ROOT
        if runroot:
            return cls(chosen, Path(os.path.abspath(runroot)))
        tag = _tag(chosen)
        return cls(chosen, Path(f"{DEFAULT_RUNROOT}-{tag}") if tag else DEFAULT_RUNROOT)

    @property
    def tag(self) -> str:
        """Six hexadecimal digits that tell this root from others; empty for the default root."""
        return _tag(self.root)

    # Durable state

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.root / "boxdeck.db"

    @property
    def blobs(self) -> Path:
        """Content-addressed blobs: ``blobs/sha256/HEX``."""
        return self.root / "blobs"

    @property
    def layers(self) -> Path:
        """Unpacked layers: ``layers/sha256/HEX`` by diff id."""
        return self.root / "layers"

    @property
    def temporary(self) -> Path:
        """Half-made things, on the same file system as what they become; emptied by recovery."""
        return self.root / "tmp"

    @property
    def content_lock(self) -> Path:
        """Locked (flock) by whoever adds or removes layers and blobs."""
        return self.root / "content.lock"

    def layer(self, diff_id: str) -> Path:
        """The folder of the layer with this diff id (``sha256:HEX``), usable as an overlay lower directory."""
        algorithm, _, hexadecimal = diff_id.partition(":")
        return self.layers / algorithm / hexadecimal

    def container(self, container_id: str) -> Path:
        """A container's durable folder: bundle, upper and work directory, log."""
        return self.root / "containers" / container_id

    def bundle(self, container_id: str) -> Path:
        """The OCI bundle: ``config.json`` and an empty ``rootfs``."""
        return self.container(container_id) / "bundle"

    def upper(self, container_id: str) -> Path:
        """The overlay's upper directory."""
        return self.container(container_id) / "upper"

    def work(self, container_id: str) -> Path:
        """The overlay's work directory."""
        return self.container(container_id) / "work"

    def log(self, container_id: str) -> Path:
        """The container's log, one entry a line."""
        return self.container(container_id) / "log"

    # Run-time state

    def runtime(self, container_id: str) -> Path:
        """A container's run-time folder; there only while its shim lives or its end isn't folded into the store."""
        return self.runroot / "containers" / container_id

    def status(self, container_id: str) -> Path:
        """The file that the shim replaces whenever something changes."""
        return self.runtime(container_id) / "status.json"

    @property
    def network_templates(self) -> Path:
        """Netlink messages that were encoded once (`engine.network.templates`)."""
        return self.runroot / "network-templates"

    # Names of kernel objects

    @property
    def cgroup_name(self) -> str:
        """The parent cgroup of all containers, below the top of each hierarchy."""
        return f"boxdeck-{self.tag}" if self.tag else "boxdeck"

    def cgroup_path(self, container_id: str) -> str:
        """A container's cgroup, below the top of each hierarchy."""
        return f"/{self.cgroup_name}/{container_id}"

    @property
    def bridge_name(self) -> str:
        """The default bridge; at most 15 characters (IFNAMSIZ)."""
        return f"boxdeck-{self.tag}" if self.tag else "boxdeck0"

    @property
    def table_name(self) -> str:
        """The nftables table (family inet)."""
        return f"boxdeck_{self.tag}" if self.tag else "boxdeck"

    def veth_name(self, container_id: str) -> str:
        """The host's end of a container's veth pair."""
        return f"bd{container_id[:8]}" if not self.tag else f"bd{self.tag[:3]}{container_id[:8]}"


def _tag(root: Path) -> str:
    if root == DEFAULT_ROOT:
        return ""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:6]
