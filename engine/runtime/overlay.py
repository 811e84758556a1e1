"""The overlay of a container's layers, as a detached mount.

Since Linux 6.15 an overlay takes layers as descriptors of detached mounts. Before that it takes only layers that are
mounted in the mounter's own namespace, so one is made that lives for a moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import NamedTuple

from engine.linux import machine, mounts, namespaces, trace

TAKES_DETACHED_LAYERS = machine.KERNEL_VERSION >= (6, 15)

_WORKED_IN = "work"  # the kernel's name for it, below the option workdir (fs/overlayfs/super.c, OVL_WORKDIR_NAME)
_OLD = "old"


class Layers(NamedTuple):
    """Overlay's options, taken apart.

    Attributes:
        lowers: folders, the topmost first.
        upper, work: the folders that take changes; empty for an overlay that takes none.
        settings: further options, ``key=value`` or ``key``.
        opens_devices: whether device nodes in it can be opened, which only ``dev`` says.
    """

    lowers: tuple[str, ...]
    upper: str
    work: str
    settings: tuple[str, ...]
    opens_devices: bool = False


def parse(options: tuple[str, ...]) -> Layers:
    """Take the options of an overlay apart (overlayfs.rst)."""
    lowers: tuple[str, ...] = ()
    upper = work = ""
    settings = []
    for option in options:
        key, _, value = option.partition("=")
        if key == "lowerdir":
            lowers = tuple(map(_unescaped, _split(value)))
        elif key == "upperdir":
            upper = value
        elif key == "workdir":
            work = value
        elif option != "dev":
            settings.append(option)
    return Layers(lowers, upper, work, tuple(settings), "dev" in options)


def make(layers: Layers, folder: str, user_namespace: int | None) -> int:
    """Mount an overlay; the descriptor of a detached mount.

    Args:
        folder: any, to be mounted over in a namespace that nobody else sees, on older kernels.
        user_namespace: what the ids of the lower layers are mapped through. The upper one stays plain and holds
            shifted ids: with its ids mapped the overlay would come up read-only.

    Raises:
        OSError: a folder is missing, or the kernel refuses the overlay.
    """
    let_go()  # of what is left of an earlier start of the same container
    if layers.work:
        _set_aside(layers.work)
    if TAKES_DETACHED_LAYERS:
        return _make_of_descriptors(layers, user_namespace)
    with ExitStack() as opened:  # before the folder is covered, since it may be one of them
        lowers = [opened.enter_context(_closing(_open_layer(path, user_namespace))) for path in layers.lowers]
        opened.enter_context(_aside(folder))
        return _make_aside(layers, lowers)


def _make_of_descriptors(layers: Layers, user_namespace: int | None) -> int:
    with ExitStack() as opened:
        options: list[mounts.Option] = []
        for path in layers.lowers:
            layer = _open_layer(path, user_namespace)
            kept.append(layer)
            options.append(("lowerdir+", layer))
        if layers.upper:
            options.append(("upperdir", opened.enter_context(_opened(layers.upper))))
            options.append(("workdir", opened.enter_context(_opened(layers.work))))
        attributes = 0 if layers.opens_devices else mounts.MOUNT_ATTR_NODEV
        return mounts.new_filesystem("overlay", "overlay", (*options, *layers.settings), attributes)


kept: list[int] = []
"""Detached mounts of layers, open as long as this process lives. An overlay has copies of its own, but closing one
waits for all processors (namespace.c, namespace_unlock), and a start has no time for that."""


def let_go() -> None:
    """Close what `make` keeps open and remove what it put aside, for processes that live longer than one start."""
    while kept:
        os.close(kept.pop())
    sweep()


_aside_folders: list[str] = []


def _set_aside(work: str) -> None:
    """Take away what the overlay of an earlier start worked in, which the kernel would remove before it mounts.

    Removing a folder frees a block, and where the file system is mounted with ``discard`` that waits for the disk.
    """
    old = f"{work}/{_OLD}"
    try:
        os.rename(f"{work}/{_WORKED_IN}", old)
    except OSError:  # there is none, or one that couldn't be swept is there still: it is the kernel's to remove, then
        return
    _aside_folders.append(old)


def sweep() -> None:
    """Remove what `make` put aside, when nobody waits; what a crash left in it stays until the container goes."""
    while _aside_folders:
        with suppress(OSError):
            os.rmdir(_aside_folders.pop())


def _open_layer(path: str, user_namespace: int | None) -> int:
    layer = mounts.open_tree(path)
    try:
        if user_namespace is not None:
            mounts.set_attributes(layer, 0, user_namespace=user_namespace)
    except BaseException:
        os.close(layer)
        raise
    return layer


@contextmanager
def _aside(folder: str) -> Iterator[None]:
    """A mount namespace for a moment, with an empty tmpfs on `folder` as the working directory.

    The short names of layers there also fit many of them into the page that mount(2) allows.
    """
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.unshare(namespaces.CLONE_NEWNS)
    try:
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount("boxdeck", folder, "tmpfs", 0, "mode=700")
        os.chdir(folder)
        yield
    finally:
        namespaces.setns(home, namespaces.CLONE_NEWNS)  # also resets the working directory
        os.close(home)


def _make_aside(layers: Layers, lowers: list[int]) -> int:
    for number, layer in enumerate(lowers):
        os.mkdir(str(number))
        with _opened(str(number)) as place:
            mounts.attach(layer, place)
    with ExitStack() as opened:
        data = [f"lowerdir={':'.join(map(str, range(len(lowers))))}", *layers.settings]
        if layers.upper:  # by descriptor: paths may hold commas and colons
            data.append(f"upperdir=/proc/self/fd/{opened.enter_context(_opened(layers.upper))}")
            data.append(f"workdir=/proc/self/fd/{opened.enter_context(_opened(layers.work))}")
        os.mkdir("merged")
        flags = 0 if layers.opens_devices else mounts.MS_NODEV
        mounts.mount("overlay", "merged", "overlay", flags, ",".join(data))
    return mounts.open_tree("merged")


def _opened(path: str) -> AbstractContextManager[int]:
    return _closing(trace.call(os.open, path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def escaped(path: str) -> str:
    """A folder's name as an element of ``lowerdir`` (overlayfs.rst: colons and backslashes are escaped)."""
    return path.replace("\\", "\\\\").replace(":", "\\:")


def _split(lowerdir: str) -> list[str]:
    if "\\" not in lowerdir:
        return lowerdir.split(":") if lowerdir else []
    parts, current, skip = [], "", False
    for character in lowerdir:
        if character == ":" and not skip:
            parts.append(current)
            current = ""
            continue
        skip = character == "\\" and not skip
        current += character
    return [*parts, current]


def _unescaped(path: str) -> str:
    return path.replace("\\:", ":").replace("\\\\", "\\")
