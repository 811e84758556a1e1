"""A volume: files that outlive the containers that use them."""

from __future__ import annotations

from msgspec import Struct, field


class Volume(Struct, frozen=True, kw_only=True):
    """A volume in the store.

    Attributes:
        path: of the folder on the host that containers see; owners in it are as inside.
        is_anonymous: made for one container that gave it no name.
        users: names of the containers that use it, whether they run or not.
    """

    name: str
    path: str
    created_unix_ns: int
    labels: dict[str, str] = field(default_factory=dict)
    is_anonymous: bool = False
    users: tuple[str, ...] = ()
