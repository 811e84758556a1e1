"""What a config.json may ask for and no container of ours has: refused by its name, before anything is made."""

from __future__ import annotations

from engine.errors import InvalidRequest, Unsupported
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Spec
from engine.oci.version import is_known
from engine.runtime import sysctls, wrong_values

_WITHOUT = "take it out of config.json"


def refuse(spec: Spec) -> None:
    """Say what can't be had.

    Raises:
        InvalidRequest: it is of another major version, or has a value that can't be meant.
        Unsupported: with the name of the field.
    """
    if not is_known(spec.oci_version):
        raise InvalidRequest(
            f"config.json is of version {spec.oci_version!r} of the OCI runtime specification", "give it one of 1.x"
        )
    wrong_values.refuse(spec)
    linux = spec.linux or Linux()
    sysctls.require_own(linux)
    if linux.namespace("mount") is None:
        raise Unsupported(
            "a container without a mount namespace of its own would change the host's mounts",
            'add {"type": "mount"} to linux.namespaces',
        )
    if linux.mount_label:
        raise Unsupported(f"linux.mountLabel: {_missing('selinuxfs', 'SELinux')}", _WITHOUT)
    if linux.intel_rdt:
        raise Unsupported(f"linux.intelRdt: {_missing('resctrl', 'resource control (Intel RDT)')}", _WITHOUT)


def _missing(file_system: str, name: str) -> str:
    """Whose fault it is: the kernel's, or ours."""
    with open("/proc/filesystems", encoding="ascii", errors="replace") as lines:
        kernel_has_it = any(line.split()[-1] == file_system for line in lines)
    return f"{name} isn't supported" if kernel_has_it else f"this kernel has no {name}"
