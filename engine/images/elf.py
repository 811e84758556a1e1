"""What a program asks of the dynamic linker, read from its ELF headers (elf(5)); nothing is executed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

MAGIC: Final = b"\x7fELF"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29
_MAXIMUM_NAME_BYTES: Final = 4096


class Elf(Struct, frozen=True, kw_only=True):
    """The dynamic part of an ELF file.

    Attributes:
        bits: 32 or 64.
        machine: ``e_machine``, such as 62 for x86-64.
        interpreter: the dynamic linker's path; empty for libraries and static programs.
        needed: names of libraries, in the order in which they are searched for.
        rpath: DT_RPATH's folders, unexpanded; the linker ignores them when there is a `runpath`.
        runpath: DT_RUNPATH's folders, unexpanded.
    """

    bits: int
    machine: int
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


class _Segment(Struct, frozen=True):
    type: int
    offset: int
    address: int
    size: int


class _Format(Struct, frozen=True):
    """The two sizes of ELF as struct formats; `pick` orders a program header's fields as `_Segment` has them."""

    bits: int
    header: str
    segment: str
    pick: tuple[int, int, int, int]
    dynamic: str


_FORMATS: Final = {
    1: _Format(32, "HHIIIIIHHH", "8I", (0, 1, 2, 4), "iI"),
    2: _Format(64, "HHIQQQIHHH", "IIQQQQQQ", (0, 2, 3, 5), "qQ"),
}
_ORDERS: Final = {1: "<", 2: ">"}


def parse_elf(data: bytes) -> Elf | None:
    """Read a whole file's headers; None when it is no ELF file or a damaged one."""
    try:
        return _parse(data)
    except (struct.error, KeyError, ValueError, IndexError, OverflowError):  # offsets may be any number
        return None


def _parse(data: bytes) -> Elf | None:
    if data[:4] != MAGIC:
        return None
    layout, order = _FORMATS[data[4]], _ORDERS[data[5]]
    fields = struct.unpack_from(order + layout.header, data, 16)
    segments = tuple(_segments(data, order + layout.segment, layout.pick, fields[4], fields[8], fields[9]))
    entries = tuple(_dynamic(data, order + layout.dynamic, segments))
    table = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    strings = _file_offset(segments, table) if table is not None else 0

    def texts(tag: int) -> Iterator[str]:
        return (_text(data, strings + value) for found, value in entries if found == tag)

    return Elf(
        bits=layout.bits,
        machine=fields[1],
        interpreter=next((_text(data, s.offset) for s in segments if s.type == _PT_INTERP), ""),
        soname=next(texts(_DT_SONAME), ""),
        needed=tuple(texts(_DT_NEEDED)),
        rpath=_folders(next(texts(_DT_RPATH), "")),
        runpath=_folders(next(texts(_DT_RUNPATH), "")),
    )


def _segments(
    data: bytes, form: str, pick: tuple[int, int, int, int], start: int, step: int, count: int
) -> Iterator[_Segment]:
    for number in range(count):
        fields = struct.unpack_from(form, data, start + number * step)
        yield _Segment(*(fields[index] for index in pick))


def _dynamic(data: bytes, form: str, segments: tuple[_Segment, ...]) -> Iterator[tuple[int, int]]:
    step = struct.calcsize(form)
    for segment in (s for s in segments if s.type == _PT_DYNAMIC):
        for offset in range(segment.offset, segment.offset + segment.size, step):
            tag, value = struct.unpack_from(form, data, offset)
            if tag == 0:
                return
            yield tag, value


def _file_offset(segments: tuple[_Segment, ...], address: int) -> int:
    for segment in segments:
        if segment.type == _PT_LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise ValueError("the address is in no segment")


def _text(data: bytes, offset: int) -> str:
    end = data.index(b"\0", offset, offset + _MAXIMUM_NAME_BYTES)
    return data[offset:end].decode("utf-8", "surrogateescape")


def _folders(text: str) -> tuple[str, ...]:
    return tuple(folder for folder in text.split(":") if folder)
