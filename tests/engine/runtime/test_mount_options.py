"""The options of a mount, sorted by what the kernel does with them."""

from __future__ import annotations

import pytest

from engine.errors import InvalidRequest
from engine.linux import mounts
from engine.runtime.mount_options import KNOWN, Change, parse, require_bind_options

# config.md, "Linux mount options", of versions 1.2 and 1.3
_WORDS = """
    async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec
    noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime
    relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro
    rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave
    strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap
"""
SPECIFIED = _WORDS.split()


def test_every_option_of_the_specification_is_known() -> None:
    assert set(SPECIFIED) <= set(KNOWN)


@pytest.mark.parametrize("option", [option for option in SPECIFIED if not option.endswith("sync")])
def test_what_is_known_is_never_left_to_the_file_system(option: str) -> None:
    of_whole = {"lazytime", "nolazytime", "mand", "nomand"}  # which the kernel takes for every one
    assert parse((option,)).data == ((option,) if option in of_whole else ())


@pytest.mark.parametrize(
    ("options", "change", "data"),
    [
        ((), Change(), ()),
        (("nosuid", "noexec", "nodev"), Change(0x2 | 0x4 | 0x8), ()),
        (("ro", "rw"), Change(0, 0x1), ()),
        (("rw", "ro"), Change(0x1, 0), ()),
        (("noatime",), Change(0x10, 0x70 & ~0x10), ()),
        (("noatime", "strictatime"), Change(0x20, 0x70 & ~0x20), ()),
        (("strictatime", "atime"), Change(0, 0x70), ()),
        (("relatime", "mode=755", "size=64k"), Change(0, 0x70), ("mode=755", "size=64k")),
        (("size=64k,mode=755", "", "nofail"), Change(), ("size=64k", "mode=755")),
        (("lowerdir=/a\\,b",), Change(), ("lowerdir=/a\\,b",)),
    ],
)
def test_flags_and_data_are_told_apart_and_the_later_word_counts(
    options: tuple[str, ...], change: Change, data: tuple[str, ...]
) -> None:
    parsed = parse(options)
    assert (parsed.attributes.set, parsed.data) == (change.set, data)
    assert parsed.attributes.clear & ~parsed.attributes.set == change.clear
    recursive = parse(
        tuple(f"r{option}" for option in options if option.isalpha() and option != "nofail")
    ).recursive_attributes
    assert recursive == parsed.attributes


def test_bind_mounts_may_be_of_whole_trees() -> None:
    assert parse(("bind",)).bind and not parse(("bind",)).recursive
    assert parse(("rbind",)).bind and parse(("rbind",)).recursive
    assert not parse(("ro",)).bind


def test_propagation_is_kept_apart_and_in_its_order() -> None:
    assert parse(("rslave", "ro", "shared")).propagation == (mounts.MS_SLAVE | mounts.MS_REC, mounts.MS_SHARED)


def test_what_means_nothing_for_a_bind_mount_is_refused() -> None:
    require_bind_options(parse(("rbind", "ro", "sync", "x-comment=mine")), "/x")
    with pytest.raises(InvalidRequest, match="'size=5' is not an option of a bind mount"):
        require_bind_options(parse(("bind", "size=5")), "/x")
