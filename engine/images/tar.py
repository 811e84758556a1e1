"""Reading tar streams: POSIX ustar and pax (pax(1), "EXTENDED DESCRIPTION"), GNU's long names and sparse files.

A reader of our own because the archive comes from strangers: every number is checked before it is used, every
step consumes at least one block, and nothing here touches a file system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

from msgspec import Struct

from engine.errors import ImageError
from engine.images import sparse
from engine.oci.digest import Readable

BLOCK_BYTES: Final = 512
MAXIMUM_HEADER_BYTES: Final = 1 << 20  # of all that precedes an entry: what Go's archive/tar accepts of one
XATTR_PREFIX: Final = "SCHILY.xattr."

_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_ENDS: Final = b"\0 "
_BLANKS: Final = 8 * ord(" ")
_DECIMAL = re.compile(r"[0-9]+")
_TIME = re.compile(r"(-?)([0-9]+)(?:\.([0-9]*))?")
_LAST_SECOND: Final = (1 << 63) // 1_000_000_000 - 1


class Kind(Enum):
    """What an entry makes."""

    FILE = "file"
    HARD_LINK = "hard link"
    SYMLINK = "symbolic link"
    CHARACTER_DEVICE = "character device"
    BLOCK_DEVICE = "block device"
    DIRECTORY = "directory"
    FIFO = "fifo"


_KINDS: Final = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,  # GNU tar's old sparse files
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER_DEVICE,
    b"4": Kind.BLOCK_DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}


class Entry(Struct, frozen=True, kw_only=True):
    """One member of an archive.

    Attributes:
        name: as the archive has it, not yet safe to use; undecodable bytes are surrogates (os.fsdecode).
        link: what a link points to; empty for others.
        mode: permission bits with set-user-id, set-group-id and sticky, no more.
        xattrs: extended attributes from pax records, name and value.
        extents: of a sparse file, offset and length of each piece whose bytes are stored; None for other files.
    """

    name: str
    kind: Kind
    size: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    link: str = ""
    major: int = 0
    minor: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()
    extents: tuple[sparse.Extent, ...] | None = None


class TarReader:
    """Walks an archive once, from front to back.

    Iterate for the entries; between two of them `read` gives the content of the latest, of a sparse file what is stored
    of it. What isn't read is skipped.

    Args:
        stream: of uncompressed bytes.

    Attributes:
        position: bytes of the archive consumed so far; right after an entry was handed out, where its content begins.

    Raises:
        ImageError: (while iterating and reading) the archive is damaged or uses what we don't read.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._left = 0
        self._padding = 0
        self._header_bytes = 0
        self._global: dict[str, bytes] = {}
        self.position = 0

    def __iter__(self) -> Iterator[Entry]:
        while (entry := self._next()) is not None:
            yield entry

    def read(self, size: int) -> bytes:
        """At most `size` bytes of the latest entry's content; empty at its end."""
        wanted = min(size, self._left)
        if wanted <= 0:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise _damaged("it ends in the middle of a file")
        self._left -= len(data)
        self.position += len(data)
        return data

    def drain(self) -> None:
        """Read to the end of the stream, beyond the archive's own end: a diff id covers that, too."""
        while data := self._stream.read(1 << 20):
            self.position += len(data)

    def _next(self) -> Entry | None:
        pax: dict[str, bytes] = {}
        self._header_bytes = 0
        while (header := self._header()) is not None:
            kind = header[156:157]
            if kind in (b"x", b"X"):  # the latter is Solaris's
                pax.update(_parse_pax(self._special()))
            elif kind == b"g":
                given = _parse_pax(self._special())
                self._global.update({key: given[key] for key in _GLOBAL_KEYS if key in given})
            elif kind == b"L":
                pax["path"] = self._special().split(b"\0")[0]
            elif kind == b"K":
                pax["linkpath"] = self._special().split(b"\0")[0]
            elif kind != b"V":  # a volume's label has no content and means nothing
                return self._entry(header, {**self._global, **pax} if self._global else pax)
        return None

    def _header(self) -> bytes | None:
        """The next header with its size already taken in; None at the archive's end."""
        self._skip()
        block = self._block()
        if block is None or not block.strip(b"\0"):
            return None
        if not _checksum_fits(block):
            raise _damaged("a header's checksum is wrong, or it is no tar archive at all")
        self._expect(_number(block[124:136], "size"))
        return block

    def _expect(self, size: int) -> None:
        self._left = size
        self._padding = -size % BLOCK_BYTES

    def _skip(self) -> None:
        while self._left:
            self.read(1 << 20)
        if self._padding:
            self._exactly(self._padding)
            self._padding = 0

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._stream.read(size - len(data))
            if not more:
                raise _damaged("it ends in the middle of a block")
            data += more
        self.position += size
        return data

    def _block(self) -> bytes | None:
        first = self._stream.read(BLOCK_BYTES)
        if not first:
            return None  # without the end marker that POSIX wants: GNU tar accepts that, too
        self.position += len(first)
        return first if len(first) == BLOCK_BYTES else first + self._exactly(BLOCK_BYTES - len(first))

    def _content_block(self) -> bytes:
        """A block from the beginning of the latest entry's content."""
        if self._left < BLOCK_BYTES:
            raise _damaged("a sparse file ends in its map")
        self._left -= BLOCK_BYTES
        return self._exactly(BLOCK_BYTES)

    def _special(self) -> bytes:
        size = self._left
        self._header_bytes += size
        if self._header_bytes > MAXIMUM_HEADER_BYTES:
            raise _damaged(f"the extended headers of an entry are larger than {MAXIMUM_HEADER_BYTES} bytes")
        self._left = 0
        return self._exactly(size)

    def _entry(self, header: bytes, pax: dict[str, bytes]) -> Entry:
        kind_flag, special = header[156:157], None
        self._expect(_pax_number(pax, "size", self._left))
        if kind_flag == b"S":
            special = sparse.from_header(header, _number, lambda: self._exactly(BLOCK_BYTES))
        elif pax and kind_flag in _REGULAR:
            special = sparse.from_records(pax, self._content_block)
        name = _text((sparse.name_of(pax) or pax.get("path") if pax else b"") or _header_name(header))
        kind = _entry_kind(kind_flag, name)
        if kind is not Kind.FILE:
            self._expect(0)  # some writers give hard links a size, which means nothing
        elif special is not None:
            sparse.require_sound(special, self._left)
        return Entry(
            name=name,
            kind=kind,
            size=special.size if special is not None else self._left,
            extents=special.extents if special is not None else None,
            mode=_number(header[100:108], "mode") & 0o7777,
            uid=_identity(pax, "uid", header[108:116]),
            gid=_identity(pax, "gid", header[116:124]),
            mtime_ns=_time(pax["mtime"]) if pax.get("mtime") else _header_time(header[136:148]),
            link=_text(pax.get("linkpath") or _string(header[157:257])),
            major=_number(header[329:337], "major") if kind in _DEVICES else 0,
            minor=_number(header[337:345], "minor") if kind in _DEVICES else 0,
            xattrs=_xattrs(pax) if pax else (),
        )


_GLOBAL_KEYS: Final = ("path", "linkpath", "size", "uid", "gid", "mtime")
_REGULAR: Final = (b"0", b"\0", b"7")
_DEVICES: Final = (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE)


def _entry_kind(flag: bytes, name: str) -> Kind:
    kind = _KINDS.get(flag)
    if kind is None:
        raise _damaged(f"{name!r} is of a kind, {flag!r}, that layers don't have")
    return Kind.DIRECTORY if kind is Kind.FILE and name.endswith("/") else kind


def _header_name(header: bytes) -> bytes:
    name = _string(header[0:100])
    if header[257:263] != b"ustar\0":
        return name
    end = 476 if header[508:512] == b"tar\0" else 500  # star has times there
    prefix = _string(header[345:end])
    return prefix + b"/" + name if prefix else name


def _string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _checksum_fits(block: bytes) -> bool:
    """Sum of all bytes with the checksum's own field as blanks; some old writers summed signed characters."""
    field = block[148:156]
    digits = _OCTAL.fullmatch(field)
    if digits is None or not digits[1]:
        return False
    wanted, unsigned = int(digits[1], 8), sum(block) - sum(field) + _BLANKS
    return wanted == unsigned or wanted == unsigned - 256 * sum(1 for byte in block[:148] + block[156:] if byte > 127)


def _signed(field: bytes) -> int:
    """A number in octal, or in GNU's base 256 where the first bit is set."""
    digits = field[:-1]
    if digits.isdigit() and field[-1] in _ENDS:  # as nearly all writers have it
        try:
            return int(digits, 8)
        except ValueError as error:
            raise _damaged(f"{field!r} is no number") from error
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    matched = _OCTAL.fullmatch(field)
    if matched is None:
        raise _damaged(f"{field!r} is no number")
    return int(matched[1] or b"0", 8)


def _number(field: bytes, what: str) -> int:
    value = _signed(field)
    if not 0 <= value < 1 << 63:  # a negative size would send the reader backwards, CVE-2025-8194
        raise _damaged(f"a header gives {value} as {what}")
    return value


def _header_time(field: bytes) -> int:
    return max(-_LAST_SECOND, min(_signed(field), _LAST_SECOND)) * 1_000_000_000


def _parse_pax(data: bytes) -> dict[str, bytes]:
    """Records of the form ``LENGTH KEY=VALUE`` and a newline, where LENGTH counts the whole record."""
    records: dict[str, bytes] = {}
    numbers: list[bytes] = []
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 20)
        length = data[at : max(blank, at)]
        if not length.isdigit() or not len(length) < int(length) <= len(data) - at:
            raise _damaged("a pax record has a wrong length")
        record, at = data[blank + 1 : at + int(length)], at + int(length)
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise _damaged("a pax record is malformed")
        if sparse.is_part_of_map(name := _text(key), len(numbers)):
            numbers.append(value[:-1])
        else:
            records[name] = value[:-1]
    return {**records, sparse.MAP: b",".join(numbers)} if numbers else records


def _pax_number(pax: dict[str, bytes], key: str, otherwise: int) -> int:
    if not pax or not (text := pax.get(key, b"").decode("latin-1")):
        return otherwise
    if not _DECIMAL.fullmatch(text) or len(text) > 19 or int(text) >= 1 << 63:
        raise _damaged(f"a pax record gives {text[:40]!r} as {key}")
    return int(text)


def _identity(pax: dict[str, bytes], key: str, field: bytes) -> int:
    value = _pax_number(pax, key, -1)
    if value < 0:
        value = _number(field, key)
    if value >= (1 << 32) - 1:  # the last one means "leave as it is" to chown(2)
        raise _damaged(f"a header gives {value} as {key}")
    return value


def _time(value: bytes) -> int:
    """Seconds since the epoch, as a decimal fraction, in nanoseconds."""
    matched = _TIME.fullmatch(value.decode("latin-1"))
    if matched is None or len(matched[2]) > 12:
        raise _damaged(f"a pax record gives {value[:40]!r} as mtime")
    seconds = min(int(matched[2]), _LAST_SECOND)
    total = seconds * 1_000_000_000 + int((matched[3] or "").ljust(9, "0")[:9])
    return -total if matched[1] else total


def _xattrs(pax: dict[str, bytes]) -> tuple[tuple[str, bytes], ...]:
    return tuple((key.removeprefix(XATTR_PREFIX), value) for key, value in pax.items() if key.startswith(XATTR_PREFIX))


def _text(value: bytes) -> str:
    if b"\0" in value:
        raise _damaged("a name holds a zero byte")
    return value.decode("utf-8", "surrogateescape")


def _damaged(reason: str) -> ImageError:
    return ImageError(f"the tar archive is damaged ({reason})", "fetch or make it anew")
