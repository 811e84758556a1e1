"""Which filter of system calls a container gets (seccomp(2))."""

from __future__ import annotations

import platform

from engine.compile import seccomp_file
from engine.oci.seccomp_spec import Seccomp
from engine.options import Security
from engine.runtime import seccomp_profile

UNCONFINED = "unconfined"


def profile(security: Security, capabilities: tuple[str, ...]) -> Seccomp | None:
    """The filter; None for none.

    Args:
        capabilities: those that the container has, since some calls are only allowed together with one.

    Raises:
        InvalidRequest: a profile that can't be read.
    """
    if security.seccomp == UNCONFINED or (security.privileged and security.seccomp is None):
        return None
    if security.seccomp is not None:
        return seccomp_file.read(security.seccomp, capabilities)
    return seccomp_profile.default(capabilities, platform.machine())
