"""``features``: what this runtime knows (OCI runtime spec, features.md and features-linux.md).

All of it comes from the very tables and types that config.json is read and obeyed by. As the specification asks, it
says what the program can do, whatever this machine's kernel makes of it.
"""

from __future__ import annotations

import sys
from typing import get_args

import msgspec
from msgspec import Struct

from engine import __version__
from engine.linux import capabilities
from engine.oci import seccomp_spec
from engine.oci.linux_spec import NamespaceType
from engine.oci.runtime_spec import Hooks
from engine.oci.version import NEWEST_OCI_VERSION
from engine.runtime import mount_options, seccomp_rules
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True):
    """None."""


class Enabled(Struct, frozen=True):
    """Whether a part of the specification is implemented."""

    enabled: bool


class CgroupFeatures(Struct, frozen=True, rename="camel"):
    """Kinds of control groups."""

    v1: bool = True
    v2: bool = True
    systemd: bool = True
    systemd_user: bool = False
    rdma: bool = True


class SeccompFeatures(Struct, frozen=True, rename="camel"):
    """Words of ``linux.seccomp``."""

    enabled: bool
    actions: tuple[str, ...]
    operators: tuple[str, ...]
    archs: tuple[str, ...]
    known_flags: tuple[str, ...]
    supported_flags: tuple[str, ...]


class MountExtensions(Struct, frozen=True):
    """What mounts can beside what mount(2) can."""

    idmap: Enabled


class LinuxFeatures(Struct, frozen=True, kw_only=True, rename="camel"):
    """features-linux.md."""

    namespaces: tuple[str, ...]
    capabilities: tuple[str, ...]
    cgroup: CgroupFeatures
    seccomp: SeccompFeatures
    apparmor: Enabled
    selinux: Enabled
    intel_rdt: Enabled
    mount_extensions: MountExtensions
    net_devices: Enabled


class Features(Struct, frozen=True, kw_only=True, rename="camel"):
    """features.md."""

    oci_version_min: str
    oci_version_max: str
    hooks: tuple[str, ...]
    mount_options: tuple[str, ...]
    linux: LinuxFeatures
    annotations: dict[str, str]


def collect() -> Features:
    """What there is."""
    return Features(
        oci_version_min="1.0.0",
        oci_version_max=NEWEST_OCI_VERSION,
        hooks=Hooks.__struct_encode_fields__,
        mount_options=mount_options.KNOWN,
        linux=LinuxFeatures(
            namespaces=tuple(sorted(get_args(NamespaceType))),
            capabilities=capabilities.NAMES,
            cgroup=CgroupFeatures(),
            seccomp=_seccomp(),
            apparmor=Enabled(True),
            selinux=Enabled(False),
            intel_rdt=Enabled(False),
            mount_extensions=MountExtensions(idmap=Enabled(True)),
            net_devices=Enabled(True),
        ),
        annotations={"dev.boxdeck.version": __version__},
    )


def _seccomp() -> SeccompFeatures:
    flags = tuple(sorted(get_args(seccomp_spec.Flag)))
    return SeccompFeatures(
        enabled=True,
        actions=tuple(sorted(get_args(seccomp_spec.Action))),
        operators=tuple(sorted(get_args(seccomp_spec.Operator))),
        archs=tuple(sorted(f"SCMP_ARCH_{name}" for name in seccomp_rules.ARCHITECTURES)),
        known_flags=flags,
        supported_flags=flags,
    )


def action(_: Call) -> int:
    """Print it."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(collect()), indent=2).decode() + "\n")
    return 0


VERB = Verb("print what this runtime knows as JSON", "", 0, 0, (), Options, action)
