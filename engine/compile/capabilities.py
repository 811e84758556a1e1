"""Which capabilities a container's processes have (capabilities(7))."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import InvalidRequest, Unsupported
from engine.linux import capabilities
from engine.oci.process_spec import Capabilities
from engine.options import Security

# Docker's default set without CAP_MKNOD (as podman): nothing in a container needs to make device nodes.
DEFAULT = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip
# The kernel's audit asks for this one in the first user namespace only, so that in another it is worth nothing.
_IDLE_IN_A_USER_NAMESPACE = ("CAP_AUDIT_WRITE",)
_ALL = "ALL"


def chosen(security: Security, own_user_namespace: bool) -> tuple[str, ...]:
    """The bounding set: the default, changed as docker does by what is added and dropped.

    Raises:
        InvalidRequest: a name that is no capability.
        Unsupported: one is added that we don't have ourselves.
    """
    if security.privileged:
        return everything(own_user_namespace)
    added, dropped = _names(security.cap_add), _names(security.cap_drop)
    if _ALL in added:
        return tuple(name for name in everything(own_user_namespace) if name not in dropped)
    kept = () if _ALL in dropped else tuple(n for n in _default(own_user_namespace) if n not in dropped)
    _require_held(added, own_user_namespace)
    return tuple(dict.fromkeys((*kept, *added)))


def sets(names: tuple[str, ...], uid: int) -> Capabilities:
    """The five sets of a process, by docker's rule: another user than root has none until a file gives it some.

    The inheritable set is always empty: what a container's files ask for must not come from us (CVE-2022-24769).
    """
    return Capabilities(bounding=names, effective=names, permitted=names) if uid == 0 else Capabilities(bounding=names)


def everything(own_user_namespace: bool) -> tuple[str, ...]:
    """All that this kernel knows, and in the host's own user namespace all that we have to give."""
    known = capabilities.NAMES[: capabilities.last_known() + 1]
    return known if own_user_namespace else tuple(name for name in known if _is_held(name))


def _default(own_user_namespace: bool) -> tuple[str, ...]:
    if own_user_namespace:
        return tuple(name for name in DEFAULT if name not in _IDLE_IN_A_USER_NAMESPACE)
    return tuple(name for name in DEFAULT if _is_held(name))


def is_known(word: str) -> bool:
    """Whether a word, in any spelling, is a capability or ALL."""
    try:
        return bool(_name(word))
    except InvalidRequest:
        return False


def _names(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_name(word) for word in words)


def _name(word: str) -> str:
    upper = word.upper()
    name = upper if upper == _ALL or upper.startswith("CAP_") else f"CAP_{upper}"
    if name != _ALL and name not in capabilities.NUMBERS:
        raise InvalidRequest(f"{word!r} is not a capability", "see capabilities(7) for their names, or say ALL")
    return name


def _require_held(names: tuple[str, ...], own_user_namespace: bool) -> None:
    last = capabilities.last_known()
    for name in names:
        if capabilities.NUMBERS[name] > last:
            raise Unsupported(f"this kernel has no {name}", "run the container without it")
        if not own_user_namespace and not _is_held(name):
            raise Unsupported(
                f"{name} can't be given to a container, since Boxdeck doesn't have it itself",
                "run the container without it, or in a user namespace of its own with --userns auto",
            )


def _is_held(name: str) -> bool:
    return bool(capabilities.permitted() >> capabilities.NUMBERS[name] & 1)
