"""``-m conntrack --ctstate``, which iptables hands to the kernel as a struct (linux/netfilter/xt_conntrack.h)."""

from __future__ import annotations

import struct

from engine.network.passage import Packet

_FLAGS = struct.Struct("=146xHHH")  # match_flags, invert_flags, state_mask of struct xt_conntrack_mtinfo3
_STATE, _BY_ANOTHER_NAME = 1 << 0, 1 << 13  # XT_CONNTRACK_STATE, XT_CONNTRACK_STATE_ALIAS
_ESTABLISHED, _NEW, _DNAT = 1 << 1, 1 << 3, 1 << 7  # XT_CONNTRACK_STATE_BIT, XT_CONNTRACK_STATE_DNAT


def matches(info: memoryview, packet: Packet) -> bool | None:
    """Whether it matches a packet; None where it asks for more than the state of its connection."""
    if len(info) < _FLAGS.size:
        return None
    asked, inverted, states = _FLAGS.unpack_from(info)
    if asked & ~_BY_ANOTHER_NAME != _STATE:
        return None
    state = (_NEW if packet.is_new else _ESTABLISHED) | (_DNAT if packet.is_published else 0)
    return bool(states & state) != bool(inverted & _STATE)
