"""Which of an index's manifests is meant: the one for this machine, or for a platform that somebody asks for."""

from __future__ import annotations

import os
from typing import Final

from engine.errors import ImageError, InvalidRequest
from engine.oci.image_spec import Descriptor, Index, Platform, go_architecture

_VARIANTS: Final = {
    "aarch64": ("v8",),
    "armv8l": ("v8", "v7", "v6"),
    "armv7l": ("v7", "v6", "v5"),
    "armv6l": ("v6", "v5"),
}
_ARCHITECTURES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_ATTESTATION: Final = "vnd.docker.reference.type"


def here() -> Platform:
    """This machine's own platform."""
    return Platform(os="linux", architecture=go_architecture(os.uname().machine))


def parse(text: str) -> Platform:
    """A platform as docker writes it: ``linux/amd64``, ``arm64``, ``linux/arm/v7``.

    Raises:
        InvalidRequest: it is something else.
    """
    parts = text.lower().split("/")
    if len(parts) > 3 or not all(part.replace(".", "").isalnum() for part in parts):
        raise InvalidRequest(f"{text!r} is not a platform", "write it as in linux/arm64")
    if len(parts) == 1 and parts[0] != "linux":
        parts.insert(0, "linux")
    system, architecture, variant = [*parts, "", ""][:3]
    architecture = _ARCHITECTURES.get(architecture, architecture) or here().architecture
    return Platform(os=system, architecture=architecture, variant=variant)


def choose(index: Index, wanted: Platform) -> Descriptor:
    """The manifest for a platform: the first that fits, those of the best variant before others.

    Raises:
        ImageError: there is none; the cause says which there are.
    """
    fitting = [descriptor for descriptor in index.manifests if _fits(descriptor, wanted)]
    for variant in _preferences(wanted):
        for descriptor in fitting:
            if descriptor.platform is not None and descriptor.platform.variant == variant:
                return descriptor
    if fitting:
        return fitting[0]
    offered = sorted({name(d.platform) for d in index.manifests if d.platform and d.platform.os != "unknown"})
    raise ImageError(f"the image isn't made for {name(wanted)}", f"it is for {', '.join(offered[:12]) or 'nothing'}")


def name(platform: Platform) -> str:
    """Such as ``linux/arm/v7``."""
    return "/".join(part for part in (platform.os, platform.architecture, platform.variant) if part)


def _preferences(wanted: Platform) -> tuple[str, ...]:
    return (wanted.variant,) if wanted.variant else _VARIANTS.get(os.uname().machine, ("",))


def _fits(descriptor: Descriptor, wanted: Platform) -> bool:
    offered = descriptor.platform
    if descriptor.annotation(_ATTESTATION):  # a statement about another manifest, no image
        return False
    if offered is None:
        return True
    same = (offered.os, offered.architecture) == (wanted.os, wanted.architecture)
    return same and wanted.variant in ("", offered.variant)
