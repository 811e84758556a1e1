"""One nftables table of our own: containers leave the machine under its address (masquerade).

The rules are made with pyroute2's nftables message classes and sent as one transaction of our own, because
pyroute2's commit neither waits for acknowledgements nor reports errors. pyroute2 is imported by the first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from engine.network import transport

_CHAIN = "postrouting"
_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES, linux/netfilter/nfnetlink.h
_BATCH_BEGIN = 0x10
_BATCH_END = 0x11

# linux/netfilter/nf_tables.h
_NEWTABLE = _SUBSYSTEM | 0
_DELTABLE = _SUBSYSTEM | 2
_NEWCHAIN = _SUBSYSTEM | 3
_NEWRULE = _SUBSYSTEM | 6
_GETRULE = _SUBSYSTEM | 7
_DELRULE = _SUBSYSTEM | 8
_NFTA_RULE_USERDATA = 7
_REGISTER = 1
_NETWORK_HEADER = 1
_META_OIFNAME = 7
_META_NFPROTO = 15
_CMP_EQ = 0
_CMP_NEQ = 1

_FAMILY_INET = 1
_PROTOCOL_IPV4 = 2
_HOOK_POSTROUTING = 4
_PRIORITY_SRCNAT = 100
_SOURCE_ADDRESS_OFFSET = 12  # in the IPv4 header
_NAME_BYTES = 16  # IFNAMSIZ
_GENERIC_HEADER_BYTES = 4  # struct nfgenmsg

_NLM_F_CREATE = 0x400
_NLM_F_APPEND = 0x800
_ANSWER_SECONDS = 10.0

_Attributes = list[tuple[str, object]]


def rule_query(table: str) -> bytes:
    """Ask for the rules of our chain (to be sent as a dump)."""
    return _message("nft_rule_msg", _GETRULE, [("NFTA_RULE_TABLE", table), ("NFTA_RULE_CHAIN", _CHAIN)])


def is_ready(query: bytes, subnet: IPv4Network, bridge: str) -> bool:
    """Whether the table holds the rule for this subnet and bridge.

    Args:
        query: from `rule_query`.

    Raises:
        OSError: EPERM, or the kernel has no nf_tables.
    """
    wanted = _comment(subnet, bridge).encode()
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        return any(wanted in _userdata(message) for message in transport.dump(sock, query))


def create(table: str, subnet: IPv4Network, bridge: str) -> None:
    """Put the rule in the table, making both as needed; a rule for another subnet is replaced.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN, or the kernel lacks nf_tables or masquerade.
    """
    _commit(
        _message("nft_table_msg", _NEWTABLE, [("NFTA_TABLE_NAME", table)], _NLM_F_CREATE),
        _message("nft_chain_msg", _NEWCHAIN, _chain(table), _NLM_F_CREATE),
        _message("nft_rule_msg", _DELRULE, [("NFTA_RULE_TABLE", table), ("NFTA_RULE_CHAIN", _CHAIN)]),
        _message("nft_rule_msg", _NEWRULE, _rule(table, subnet, bridge), _NLM_F_CREATE | _NLM_F_APPEND),
    )


def remove(table: str) -> None:
    """Remove the table with all that is in it; nothing happens when there is none.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    try:
        _commit(_message("nft_table_msg", _DELTABLE, [("NFTA_TABLE_NAME", table)]))
    except FileNotFoundError:
        return


def _commit(*requests: bytes) -> None:
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        sock.settimeout(_ANSWER_SECONDS)
        transport.send_transaction(sock, _batch(_BATCH_BEGIN), requests, _batch(_BATCH_END))


def _batch(kind: int) -> bytes:
    from pyroute2.netlink.nfnetlink import nfgen_msg

    message = nfgen_msg()
    message["res_id"] = _SUBSYSTEM >> 8
    message["header"]["type"] = kind
    message.encode()
    return bytes(message.data)


def _message(kind_name: str, kind: int, attributes: _Attributes, flags: int = 0) -> bytes:
    from pyroute2.netlink.nfnetlink import nftsocket

    message: Any = getattr(nftsocket, kind_name)()
    message["nfgen_family"] = _FAMILY_INET
    message["attrs"] = attributes
    message["header"]["type"] = kind
    message["header"]["flags"] = flags
    message.encode()
    return bytes(message.data)


def _chain(table: str) -> _Attributes:
    hook: _Attributes = [("NFTA_HOOK_HOOKNUM", _HOOK_POSTROUTING), ("NFTA_HOOK_PRIORITY", _PRIORITY_SRCNAT)]
    return [
        ("NFTA_CHAIN_TABLE", table),
        ("NFTA_CHAIN_NAME", _CHAIN),
        ("NFTA_CHAIN_HOOK", {"attrs": hook}),
        ("NFTA_CHAIN_TYPE", "nat"),
    ]


def _rule(table: str, subnet: IPv4Network, bridge: str) -> _Attributes:
    """``ip saddr SUBNET oifname != BRIDGE masquerade``."""
    prefix_bytes = subnet.prefixlen // 8  # our subnets end at a byte, so a shorter load takes the place of a mask
    payload = {"base": _NETWORK_HEADER, "offset": _SOURCE_ADDRESS_OFFSET, "len": prefix_bytes, "dreg": _REGISTER}
    expressions = [
        _expression("meta", {"key": _META_NFPROTO, "dreg": _REGISTER}),
        _compare(_CMP_EQ, bytes([_PROTOCOL_IPV4])),
        _expression("payload", payload),
        _compare(_CMP_EQ, subnet.network_address.packed[:prefix_bytes]),
        _expression("meta", {"key": _META_OIFNAME, "dreg": _REGISTER}),
        _compare(_CMP_NEQ, bridge.encode().ljust(_NAME_BYTES, b"\0")),
        _expression("masq", {}),
    ]
    return [
        ("NFTA_RULE_TABLE", table),
        ("NFTA_RULE_CHAIN", _CHAIN),
        ("NFTA_RULE_EXPRESSIONS", expressions),
        ("NFTA_RULE_USERDATA", {"value": _comment(subnet, bridge)}),
    ]


def _compare(operation: int, value: bytes) -> Any:
    return _expression("cmp", {"sreg": _REGISTER, "op": operation, "data": {"attrs": [("NFTA_DATA_VALUE", value)]}})


def _expression(name: str, arguments: Mapping[str, object]) -> Any:
    from pyroute2.nftables.expressions import genex

    return genex(name, arguments)


def _comment(subnet: IPv4Network, bridge: str) -> str:
    """What `nft list` shows beside the rule, and how we know it again."""
    return f"boxdeck: {subnet} leaves by any way but {bridge}"


def _userdata(message: transport.Message) -> bytes:
    for kind, value in transport.attributes(message.payload, _GENERIC_HEADER_BYTES):
        if kind == _NFTA_RULE_USERDATA:
            return bytes(value)
    return b""
