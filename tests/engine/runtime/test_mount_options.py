"""The options of a mount, sorted by what the kernel does with them."""

from __future__ import annotations

import pytest

from engine.linux import mounts
from engine.runtime.mount_options import parse


@pytest.mark.parametrize(
    ("options", "attributes", "data"),
    [
        ((), 0, ()),
        (("nosuid", "noexec", "nodev"), 0x2 | 0x4 | 0x8, ()),
        (("ro", "rw"), 0, ()),
        (("relatime", "mode=755", "size=64k"), 0, ("mode=755", "size=64k")),
        (("rro",), mounts.MOUNT_ATTR_RDONLY, ()),
    ],
)
def test_flags_and_data_are_told_apart(options: tuple[str, ...], attributes: int, data: tuple[str, ...]) -> None:
    parsed = parse(options)
    assert (parsed.attributes, parsed.data) == (attributes, data)


def test_bind_mounts_may_be_of_whole_trees() -> None:
    assert parse(("bind",)).bind and not parse(("bind",)).recursive
    assert parse(("rbind",)).bind and parse(("rbind",)).recursive
    assert not parse(("ro",)).bind


def test_propagation_is_kept_apart() -> None:
    assert parse(("rslave",)).propagation == (mounts.MS_SLAVE | mounts.MS_REC,)
