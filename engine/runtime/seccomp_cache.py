"""Compiled filters as files: a container's start then reads a program instead of making one.

A file holds a digest over everything else in it and over what it was asked for by, so one that is damaged, cut
short, or copied from another profile is compiled anew and never loaded. It also says which libseccomp made it:
another version knows other system calls.
"""

from __future__ import annotations

import os
import stat
import struct

# hashlib would load OpenSSL's libcrypto, megabytes that every shim would carry.
from _blake2 import blake2b

from engine.linux.seccomp import INSTRUCTION_SIZE, MAXIMUM_SIZE

_DIGEST_SIZE = 32
_LIBRARY = struct.Struct("=qqH")  # modification time in ns, size in bytes, length of the path that follows
_HEADER_SIZE = _DIGEST_SIZE + _LIBRARY.size
_KEPT = 64  # files in one folder


def key_of(content: bytes) -> bytes:
    """What a filter is filed by: a digest of all that its program depends on but the library."""
    return blake2b(content, digest_size=_DIGEST_SIZE).digest()


def find(folder: str, key: bytes) -> bytes | None:
    """The program filed by a key; None when there is none that can be trusted."""
    try:
        if not _is_ours(os.stat(folder)):
            return None
        content = _read(f"{folder}/{key.hex()}")
    except OSError:
        return None
    return _program(content, key)


def file(folder: str, key: bytes, program: bytes, library: str) -> None:
    """Keep a program that the library at a path has made. What can't be written costs nothing but time."""
    path = f"{folder}/{key.hex()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if _is_ours(os.stat(folder)):
            _forget_oldest(folder)
            _write_aside(path, _content(key, program, library))
    except OSError:
        return


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not _is_ours(os.fstat(descriptor)):
            return b""
        return os.read(descriptor, _HEADER_SIZE + 4096 + MAXIMUM_SIZE)
    finally:
        os.close(descriptor)


def _program(content: bytes, key: bytes) -> bytes | None:
    body = memoryview(content)[_DIGEST_SIZE:]
    digest = blake2b(body, digest_size=_DIGEST_SIZE, key=key).digest()
    if len(content) < _HEADER_SIZE or digest != content[:_DIGEST_SIZE]:
        return None
    changed, size, length = _LIBRARY.unpack_from(body)
    end = _HEADER_SIZE + length
    try:
        library = os.stat(content[_HEADER_SIZE:end])
    except OSError:
        return None
    program = content[end:]
    is_current = (library.st_mtime_ns, library.st_size) == (changed, size)
    return program if is_current and program and len(program) % INSTRUCTION_SIZE == 0 else None


def _content(key: bytes, program: bytes, library: str) -> bytes:
    status, path = os.stat(library), os.fsencode(library)
    body = _LIBRARY.pack(status.st_mtime_ns, status.st_size, len(path)) + path + program
    return blake2b(body, digest_size=_DIGEST_SIZE, key=key).digest() + body


def _write_aside(path: str, content: bytes) -> None:
    aside = f"{path}.{os.getpid()}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    os.rename(aside, path)


def _forget_oldest(folder: str) -> None:
    paths = [entry.path for entry in os.scandir(folder)]
    if len(paths) >= _KEPT:
        for path in sorted(paths, key=lambda path: os.lstat(path).st_mtime_ns)[: _KEPT // 2]:
            os.unlink(path)
