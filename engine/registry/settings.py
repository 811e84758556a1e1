"""Which registries are spoken to in plain HTTP, which have mirrors, and how much is too much: ``registries.toml``.

Every field is optional:

insecure = ["registry.lan:5000"]

[mirrors]
"docker.io" = ["mirror.lan:5000"]

[limits]
layer_bytes = 500_000_000_000
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.errors import InvalidRequest
from engine.images.limits import Limits

FILES = (Path("~/.config/boxdeck/registries.toml"), Path("/etc/boxdeck/registries.toml"))


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person has said about registries.

    Attributes:
        insecure: hosts, with their ports, whose certificates aren't checked, or that have none.
        mirrors: by host, others that are asked first and hold the same content.
        limits: what images may be, wherever they come from.
    """

    insecure: tuple[str, ...] = ()
    mirrors: dict[str, tuple[str, ...]] = {}
    limits: Limits = Limits()


def load() -> Settings:
    """The first file of ``$BOXDECK_REGISTRIES``, the user's and the machine's that is there; without one, the defaults.

    Raises:
        InvalidRequest: it can't be read or says something that isn't a setting.
    """
    named = os.environ.get("BOXDECK_REGISTRIES")
    for path in (Path(named),) if named else FILES:
        try:
            return msgspec.toml.decode(path.expanduser().read_bytes(), type=Settings)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InvalidRequest(f"{path} can't be read ({error.strerror})", "see who may read it") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidRequest(
                f"{path} isn't right ({error})", "correct it, or remove it for the defaults"
            ) from error
    return Settings()
