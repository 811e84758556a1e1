"""What only trying tells: made in a process and namespaces of its own, which the kernel takes away with all in them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.linux import mounts, namespaces

_MOST_WORDS = 4096  # bytes that fit into a pipe at once (pipe(7))


def overlay(folder: Path) -> str:
    """Why no overlay with its upper directory in that folder can be mounted; empty when one can."""
    try:
        place = tempfile.mkdtemp(prefix=".boxdeck-doctor-", dir=folder)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    try:
        return _tried(namespaces.CLONE_NEWNS, lambda: _mount_overlay(place))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _mount_overlay(place: str) -> None:
    names = ("lower", "upper", "work", "merged")
    for name in names:
        os.mkdir(f"{place}/{name}")
    lower, upper, work, merged = (f"{place}/{name}" for name in names)
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    mounts.mount("overlay", merged, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")


def network() -> str:
    """Why no bridge with a veth pair on it can be made; empty when one can."""
    return _tried(namespaces.CLONE_NEWNET, _make_pair)


def _make_pair() -> None:
    from engine.network import encode, interface, transport

    with transport.open_socket() as sock:
        requests = (encode.create_bridge("trial0", "02:00:00:00:00:01"), encode.create_pair("trial1", "trial2"))
        transport.send_requests(sock, requests)
        index = interface.index_of("trial0") or 0
        transport.send_requests(sock, (encode.set_master("trial1", index),))


def firewall() -> str:
    """Why our table of nf_tables can't be made; empty when it can."""
    return _tried(namespaces.CLONE_NEWNET, _make_table)


def _make_table() -> None:
    from engine.network import nft, ruleset, transport

    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        transport.send_transaction(sock, nft.batch_begin(), ruleset.make_table("trial"), nft.batch_end())


def _tried(flags: int, what: Callable[[], None]) -> str:
    """Why something fails in fresh namespaces; empty when it doesn't."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            namespaces.unshare(flags)
            what()
        except OSError as error:
            os.write(writing, (error.strerror or str(error)).encode()[:_MOST_WORDS])
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode()[:_MOST_WORDS])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read().decode(errors="replace")
    os.waitpid(pid, 0)
    return words
