"""Block devices and network interfaces of a container, one line each."""

from __future__ import annotations

from msgspec import Struct

from engine.model import DeviceSample, InterfaceSample, IoSample, NetworkSample
from tui.drawing import units
from tui.drawing.columns import Column, fitting, table_lines
from tui.drawing.lines import Line, Span, Tone, line


def device_lines(now: IoSample, width: int) -> list[Line]:
    """A table of devices: bytes and operations, now and in all."""
    if not now.devices:
        return [line(Span("no block device was read or written yet", Tone.MUTED))]
    columns = fitting(_DEVICES, width, least_last=0)
    return table_lines(now.devices, columns, width)


def interface_lines(now: NetworkSample, width: int) -> list[Line]:
    """Two lines an interface: what came in, and what went out."""
    columns = fitting(_WAYS, width, least_last=0)
    return table_lines((way for each in now.interfaces for way in _ways(each)), columns, width)


def _rate(value: float | None) -> Line:
    text = units.known(value, units.rate)
    return line(Span(text, Tone.FAINT if text in ("0", units.UNKNOWN) else Tone.PLAIN))


def _count(value: float | None, unit: str = "") -> Line:
    text = units.known(value, lambda known: f"{units.rate(known).removesuffix('/s')}{unit}")
    return line(Span(text, Tone.FAINT if value is None or not value else Tone.PLAIN))


def _size(value: float) -> Line:
    return line(Span(units.size(value), Tone.MUTED))


_DEVICES: tuple[Column[DeviceSample], ...] = (
    Column("DEVICE", 8, lambda each: line(each.name)),
    Column("READ", 7, lambda each: _rate(each.read_bytes_per_second), True),
    Column("WRITTEN", 7, lambda each: _rate(each.written_bytes_per_second), True),
    Column("IN ALL", 12, lambda each: line(*_size(each.read_bytes), " ", *_size(each.written_bytes)), True, 1),
    Column("READS", 7, lambda each: _count(each.reads_per_second, "/s"), True, 2),
    Column("WRITES", 7, lambda each: _count(each.writes_per_second, "/s"), True, 2),
    Column("IN ALL", 12, lambda each: line(*_count(each.reads), " ", *_count(each.writes)), True, 3),
    Column("NUMBER", 7, lambda each: line(Span(each.device, Tone.MUTED)), True, 4),
)  # fmt: skip


class _Way(Struct, frozen=True, kw_only=True):
    """One direction of an interface; what goes out has no name, since it stands below what comes in."""

    name: str = ""
    host_interface: str = ""
    bytes_per_second: float | None
    packets_per_second: float | None
    bytes_so_far: int
    packets: int
    dropped: int
    errors: int


def _ways(now: InterfaceSample) -> tuple[_Way, _Way]:
    comes_in = _Way(
        name=now.name,
        host_interface=now.host_interface,
        bytes_per_second=now.received_bytes_per_second,
        packets_per_second=now.received_packets_per_second,
        bytes_so_far=now.received_bytes,
        packets=now.received_packets,
        dropped=now.received_dropped,
        errors=now.received_errors,
    )
    goes_out = _Way(
        bytes_per_second=now.sent_bytes_per_second,
        packets_per_second=now.sent_packets_per_second,
        bytes_so_far=now.sent_bytes,
        packets=now.sent_packets,
        dropped=now.sent_dropped,
        errors=now.sent_errors,
    )
    return comes_in, goes_out


def _alarm(count: int) -> Line:
    return line(Span(f"{count:,}", Tone.WARN if count else Tone.FAINT))


_WAYS: tuple[Column[_Way], ...] = (
    Column("IFACE", 5, lambda way: line(way.name)),
    Column("", 3, lambda way: line(Span("in", Tone.ACCENT) if way.name else Span("out", Tone.MUTED))),
    Column("BYTES", 7, lambda way: _rate(way.bytes_per_second), True),
    Column("PACKETS", 7, lambda way: _count(way.packets_per_second, "/s"), True, 1),
    Column("DROPPED", 7, lambda way: _alarm(way.dropped), True),
    Column("ERRORS", 6, lambda way: _alarm(way.errors), True),
    Column("IN ALL", 6, lambda way: _size(way.bytes_so_far), True, 2),
    Column("PACKETS", 7, lambda way: _count(way.packets), True, 3),
    Column("ON THE HOST", 15, lambda way: line(Span(way.host_interface, Tone.MUTED)), False, 4),
)
