"""The settings, every one optional.

theme = "boxdeck-light"
unfocused_interval_seconds = 1

[keys]
preset = "k9s"
container.stop = "x"

[registries]
insecure = ["registry.lan:5000"]

[registries.mirrors]
"docker.io" = ["mirror.lan:5000"]

[registries.limits]
layer_bytes = 500_000_000_000
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.images.limits import Limits

PRESET = "preset"
"""The one entry of ``[keys]`` that isn't a key: the name of the keys to begin with."""


class RegistrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which registries are spoken to otherwise than others.

    Attributes:
        insecure: hosts, with their ports, whose certificates aren't checked, or that have none.
        mirrors: by host, others that are asked first and hold the same content.
        limits: what images may be, wherever they come from.
    """

    insecure: tuple[str, ...] = ()
    mirrors: dict[str, tuple[str, ...]] = {}
    limits: Limits = Limits()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings.

    Attributes:
        theme: the name of the theme that the app starts with.
        shell: what the app starts in a container on ``e``; nothing for the user's own shell there, bash, ash or sh.
        interval_seconds: how often the app measures containers.
        unfocused_interval_seconds: how often while another window has the focus; 0 for not at all.
        keys: keys by the id of what they do, such as ``container.stop = "x"``, and under `PRESET` which to begin with.
        registries: where images come from, and how much is too much.
    """

    theme: str = "boxdeck-dark"
    shell: tuple[str, ...] = ()
    interval_seconds: Annotated[int, Meta(ge=1, le=60)] = 1
    unfocused_interval_seconds: Annotated[int, Meta(ge=0, le=3600)] = 10
    keys: dict[str, str] = {}
    registries: RegistrySettings = RegistrySettings()
