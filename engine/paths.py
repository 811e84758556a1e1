"""The one place that knows where state lives and what kernel objects are called."""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path

from engine.errors import StoreError

DEFAULT_ROOT = Path("/var/lib/boxdeck")
DEFAULT_RUNROOT = Path("/run/boxdeck")
STATUS = "status.json"  # in a container's run-time folder
NAMES_INTERFACE = "bdn"  # what such interfaces' names begin with
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


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

    @cached_property
    def tag(self) -> str:
        """Six hexadecimal digits that tell this root from others; empty for the default root."""
        return _tag(self.root)

    def make_private(self) -> None:
        """Make the folders that all others are in, and close them to other users, whatever they were before.

        What images and containers have as set-user-id programs is root's on the host, for whoever can get there
        (CVE-2021-41091). Only a root that was there before us keeps its mode; what is in it is closed.

        Raises:
            StoreError: they can't be made, or the runroot has containers of another root.
        """
        inner = (
            self.blobs,
            self.layers,
            self.temporary,
            self.root / "containers",
            self.runroot / "containers",
            self.histories,
        )
        is_new = self._is_unclaimed()
        try:
            for folder in (self.root, self.runroot, *inner):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in inner:
                if folder.stat().st_mode & 0o077:
                    folder.chmod(0o700)
            if is_new:
                self._owner.write_bytes(os.fsencode(self.root))
        except OSError as error:
            raise StoreError(
                f"the folder {error.filename} can't be made ({error.strerror})",
                "choose others with --root and --runroot",
            ) from error

    def _is_unclaimed(self) -> bool:
        """Whether the runroot isn't known to be this root's yet.

        Raises:
            StoreError: it has containers of another: to this root they would be strangers, which recovery ends.
        """
        try:
            owner = os.fsdecode(self._owner.read_bytes())
        except OSError:
            return True
        if owner != str(self.root) and names_in(self.runroot / "containers"):
            raise StoreError(
                f"{self.runroot} has containers of the root {owner}, and can't be {self.root}'s as well",
                f"choose another with --runroot, or say --root {owner}",
            )
        return owner != str(self.root)

    @property
    def _owner(self) -> Path:
        """A file with the root that the runroot belongs to."""
        return self.runroot / "root"

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
    def downloads(self) -> Path:
        """Blobs that are still on their way from registries, by the digits of their digests."""
        return self.root / "downloads"

    def download(self, hexadecimal: str) -> Path:
        """What has arrived of one of them."""
        return self.downloads / hexadecimal

    def volume(self, name: str) -> Path:
        """The folder of a volume."""
        return self.root / "volumes" / name

    def volume_data(self, name: str) -> Path:
        """What containers see of it."""
        return self.volume(name) / "_data"

    @property
    def seccomp_cache(self) -> Path:
        """Compiled filters of system calls, named by what they were compiled from."""
        return self.root / "seccomp"

    @property
    def content_lock(self) -> Path:
        """Locked (flock) by whoever adds or removes layers and blobs."""
        return self.root / "content.lock"

    @property
    def updates(self) -> Path:
        """Changes of limits on their way, a file each; what is left in it belonged to an engine that was killed."""
        return self.root / "updates"

    def layer(self, diff_id: str) -> Path:
        """The folder of the layer with this diff id (``sha256:HEX``), usable as an overlay lower directory."""
        algorithm, _, hexadecimal = diff_id.partition(":")
        return self.layers / algorithm / hexadecimal

    def container(self, container_id: str) -> Path:
        """A container's durable folder: bundle, upper and work directory, log."""
        return _below(self.root, "containers", container_id)

    def bundle(self, container_id: str) -> Path:
        """The OCI bundle: ``config.json`` and an empty ``rootfs``."""
        return _below(self.container(container_id), "bundle")

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
        return _below(self.runroot, "containers", container_id)

    def status(self, container_id: str) -> Path:
        """The file that the shim replaces whenever something changes."""
        return _below(self.runtime(container_id), STATUS)

    def lock(self, container_id: str) -> Path:
        """Locked (flock) by whoever changes the container (`engine.locks`)."""
        return _below(self.runroot, "locks", container_id)

    @property
    def histories(self) -> Path:
        """What containers used lately, a file each; they stay until their containers are removed."""
        return self.runroot / "history"

    def history(self, container_id: str) -> Path:
        """What the container used lately (`engine.runtime.history_file`)."""
        return self.histories / container_id

    @property
    def xrays(self) -> Path:
        """What was asked of the kernel for actions, a folder for each container (`engine.xray.actions`)."""
        return self.runroot / "xray"

    @property
    def network_templates(self) -> Path:
        """Netlink messages that were encoded once (`engine.network.templates`)."""
        return self.runroot / "network-templates"

    @property
    def names(self) -> Path:
        """Which networks names are served on, a file each, and the lock of who serves them (`engine.names`)."""
        return self.runroot / "names"

    @property
    def idmap_support(self) -> Path:
        """Which file systems take idmapped mounts, found out once (`engine.idmap_support`)."""
        return self.runroot / "idmap-support"

    # Names of kernel objects

    @property
    def cgroup_name(self) -> str:
        """The parent cgroup of all containers, below the top of each hierarchy: ``boxdeck``, or in a scope's place."""
        from engine.cgroups import delegation

        return delegation.place(f"boxdeck-{self.tag}" if self.tag else "boxdeck")

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

    def network_bridge(self, network_id: str) -> str:
        """The bridge of a network that a person has made."""
        return f"bdk{self.tag}{network_id[:6]}"

    def names_interface(self, network_id: str) -> str:
        """The host's end of the pair by which a network's questions for names come."""
        return f"{NAMES_INTERFACE}{self.tag}{network_id[:6]}"

    def veth_name(self, container_id: str, number: int = 0) -> str:
        """The host's end of a container's veth pair; `number` is 0 for eth0, and below 36."""
        name = f"bd{container_id[:8]}" if not self.tag else f"bd{self.tag[:3]}{container_id[:8]}"
        return f"{name}-{_DIGITS[number]}" if number else name


@lru_cache(maxsize=512)
def _below(folder: Path, *names: str) -> Path:
    """A path that is asked for again and again: putting one together takes longer than what is done with it mostly."""
    return folder.joinpath(*names)


def _tag(root: Path) -> str:
    if root == DEFAULT_ROOT:
        return ""
    import hashlib  # which brings OpenSSL along: only roots of one's own need it

    return hashlib.sha256(os.fsencode(root)).hexdigest()[:6]


def names_in(folder: Path) -> list[str]:
    """What is in a folder, in order; nothing where there is none."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
