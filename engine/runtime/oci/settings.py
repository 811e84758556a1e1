"""What is said before the verb: the flags that all verbs share."""

from __future__ import annotations

import os
from typing import Literal

from msgspec import Struct

from engine.runtime.oci.flags import Flag

FLAGS = (
    Flag("root", "text", "keep the state of containers in this folder"),
    Flag("log", "text", "also write errors and warnings to this file"),
    Flag("log-format", "text", "text or json"),
    Flag("log-level", "text", "error, warning or debug"),
    Flag("debug", "switch", "log what is done, too"),
    Flag("systemd-cgroup", "switch", "let systemd make control groups"),
    Flag("cgroup-manager", "text", "cgroupfs or systemd"),
    Flag("rootless", "text"),
    Flag("criu", "text"),
    Flag("help", "switch", "print this", "h"),
    Flag("version", "switch", "print the versions of the runtime and of the specification", "v"),
)


def _default_root() -> str:
    if os.geteuid() == 0:
        return "/run/boxdeck-oci"
    return os.path.join(os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.geteuid()}"), "boxdeck-oci")


class Settings(Struct, frozen=True, kw_only=True):
    """The flags of `FLAGS`."""

    root: str = ""
    log: str = ""
    log_format: str = "text"
    log_level: Literal["error", "warning", "debug"] = "warning"
    debug: bool = False
    systemd_cgroup: bool = False
    cgroup_manager: Literal["cgroupfs", "systemd"] = "cgroupfs"
    rootless: str = "auto"
    criu: str = ""
    help: bool = False
    version: bool = False

    @property
    def state_root(self) -> str:
        """The folder with the state of all containers."""
        return os.path.abspath(self.root or _default_root())

    @property
    def wants_systemd(self) -> bool:
        """Whether systemd is to make the control groups."""
        return self.systemd_cgroup or self.cgroup_manager == "systemd"

    @property
    def wants_warnings(self) -> bool:
        """Whether lines of the level "warning" are written."""
        return self.debug or self.log_level != "error"

    @property
    def wants_debug(self) -> bool:
        """Whether lines of the level "debug" are written."""
        return self.debug or self.log_level == "debug"
