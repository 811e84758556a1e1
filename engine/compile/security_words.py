"""Docker's ``--security-opt``, as a value."""

from __future__ import annotations

from msgspec.structs import replace

from engine.errors import InvalidRequest
from engine.options import Security

_TOLERATED = ("label",)  # SELinux isn't on the systems that Boxdeck runs on
_TRUTHS = {"": True, "true": True, "1": True, "false": False, "0": False}


def security(base: Security, words: list[str]) -> Security:
    """What `base` says, changed by ``no-new-privileges``, ``seccomp=…``, ``apparmor=…`` and the like.

    Raises:
        InvalidRequest: a word that isn't known, or a file with a profile that can't be read.
    """
    for word in words:
        name, separator, value = (word if "=" in word else word.replace(":", "=", 1)).partition("=")
        if name == "no-new-privileges" and value in _TRUTHS:
            base = replace(base, no_new_privileges=_TRUTHS[value])
        elif name == "seccomp" and value:
            base = replace(base, seccomp=value if value == "unconfined" else _file(value))
        elif name == "apparmor" and value:
            base = replace(base, apparmor=value)
        elif (name, value) == ("systempaths", "unconfined"):
            base = replace(base, unmasked=True)
        elif name not in _TOLERATED or not separator:
            raise InvalidRequest(
                f"{word!r} is not a security option",
                "there are no-new-privileges, seccomp=unconfined|FILE, apparmor=PROFILE and systempaths=unconfined",
            )
    return base


def _file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or "" if isinstance(error, OSError) else "it is no text"
        raise InvalidRequest(f"the seccomp profile {path} can't be read ({reason.lower()})", "name a file") from error
