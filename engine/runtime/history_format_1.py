"""Files with a past as they were before kinds of memory and pressure were recorded: turned into today's.

A recorder lives as long as the shim that it is a child of, so one of an earlier version may go on for weeks.
"""

from __future__ import annotations

import struct

from engine.runtime.history_file import FILE_BYTES, MAGIC, RECORD_BYTES, UNKNOWN, Figures, pack

_MAGIC = b"boxdeck history 1 \r\n"
_RECORD = struct.Struct("<HeIeeeeHH")  # lap, processor, pages of 4 KiB, MiB a second of four kinds, pids, sum
_SUM_MODULUS = 65_521
_PAGE, _MIB = 4096.0, float(1 << 20)
_NO_PAGES, _NO_PIDS = 0xFFFF_FFFF, 0xFFFF


def turned(content: bytes) -> bytes:
    """A file of that format in today's; nothing for what isn't one."""
    if not content.startswith(_MAGIC):
        return b""
    records = content[len(_MAGIC) :]
    records = records[: len(records) // _RECORD.size * _RECORD.size]
    pieces = (records[at : at + _RECORD.size] for at in range(0, len(records), _RECORD.size))
    return b"".join([MAGIC, *map(_turned, pieces)])[:FILE_BYTES]


def _turned(record: bytes) -> bytes:
    lap, cpu, pages, read, written, received, sent, pids, checksum = _RECORD.unpack(record)
    if not lap or int.from_bytes(record[:-2], "little") % _SUM_MODULUS != checksum:
        return bytes(RECORD_BYTES)
    figures = Figures(
        cpu_percent=cpu,
        memory_bytes=pages * _PAGE if pages != _NO_PAGES else UNKNOWN,
        read_bytes_per_second=read * _MIB,
        written_bytes_per_second=written * _MIB,
        received_bytes_per_second=received * _MIB,
        sent_bytes_per_second=sent * _MIB,
        pids=pids if pids != _NO_PIDS else UNKNOWN,
    )
    return pack(lap, figures)
