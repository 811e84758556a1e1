"""What an attacker has inside: an image with a shell and Perl, which can make any system call, and nothing of ours."""

from __future__ import annotations

import io
import platform
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from engine import Engine
from engine.images.libraries import LibraryFinder, Placed
from engine.model import ContainerRequest, ExecRequest
from engine.session import Session

IMAGE = "attacker:latest"
PERL = "/usr/bin/perl"
_FOLDERS = ("usr", "usr/bin", "etc", "proc", "dev", "sys", "tmp", "root", "mnt", "var")
_MERGED = ("bin", "sbin", "lib", "lib64")

_NUMBERS = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "umount2": 166, "keyctl": 250, "add_key": 248, "request_key": 249,
        "unshare": 272, "setns": 308, "name_to_handle_at": 303, "open_by_handle_at": 304, "process_vm_readv": 310,
        "init_module": 175, "finit_module": 313, "delete_module": 176, "bpf": 321, "perf_event_open": 298,
        "userfaultfd": 323, "personality": 135, "clone": 56, "reboot": 169, "kexec_load": 246, "settimeofday": 164,
        "sethostname": 170, "swapon": 167, "syslog": 103, "acct": 163, "pivot_root": 155, "prctl": 157, "socket": 41,
        "setsid": 112, "setxattr": 188, "setresuid": 117, "mknod": 133, "iopl": 172,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "umount2": 39, "keyctl": 219, "add_key": 217, "request_key": 218,
        "unshare": 97, "setns": 268, "name_to_handle_at": 264, "open_by_handle_at": 265, "process_vm_readv": 270,
        "init_module": 105, "finit_module": 273, "delete_module": 106, "bpf": 280, "perf_event_open": 241,
        "userfaultfd": 282, "personality": 92, "clone": 220, "reboot": 142, "kexec_load": 104, "settimeofday": 170,
        "sethostname": 161, "swapon": 224, "syslog": 116, "acct": 89, "pivot_root": 41, "prctl": 167, "socket": 198,
        "setsid": 157, "setxattr": 5, "setresuid": 147, "mknod": 9999, "iopl": 9999,
    },
}  # fmt: skip
_EVERYWHERE = {"clone3": 435, "pidfd_open": 434, "pidfd_getfd": 438, "io_uring_setup": 425, "open_tree": 428,
               "move_mount": 429, "fsopen": 430, "mount_setattr": 442}  # fmt: skip


def perl(script: str) -> tuple[str, ...]:
    """The command that runs a script, in which ``call(NAME, …)`` makes a system call and ``try(NAME, …)`` tells how.

    ``try`` prints "NAME: open" when the call worked, and otherwise nothing but "NAME: " and the kernel's reason.
    """
    numbers = {**_NUMBERS[platform.machine()], **_EVERYWHERE}
    table = ", ".join(f"{name} => {number}" for name, number in numbers.items())
    prelude = (
        f"$| = 1; my %N = ({table});"
        " sub call { my ($n, @a) = @_; return syscall($N{$n}, @a); }"
        ' sub attempt { my ($what, $worked) = @_; print "$what: ", ($worked ? "open" : "$!"), "\\n"; }'
        " sub try { my @a = @_; my $r = call(@a); attempt($a[0], $r != -1); return $r; }"
        ' sub slurp { my ($p) = @_; open(my $f, "<", $p) or return undef; local $/; my $t = <$f>; return $t; }'
        ' sub spit { my ($p, $t) = @_; open(my $f, ">", $p) or return 0; my $w = syswrite($f, $t); return defined $w; }'
        " "
    )
    return (PERL, "-e", prelude + script)


async def ensure_image(engine: Engine, folder: Path) -> None:
    """Make the attacker's image, once per root."""
    if any(IMAGE in image.references for image in await engine.images.list()):
        return
    archive = folder / "attacker.tar"
    write_archive(archive)
    await engine.images.import_rootfs(archive, IMAGE)


def write_archive(path: Path) -> None:
    """Write the attacker's root file system."""
    with tarfile.open(path, "w") as tar:
        _pack(tar)


def _pack(tar: tarfile.TarFile) -> None:
    for name in _FOLDERS:
        _add(tar, name, tarfile.DIRTYPE, mode=0o1777 if name == "tmp" else 0o755)
    for name in _MERGED:
        _add(tar, f"usr/{name}", tarfile.DIRTYPE) if name != "bin" else None
        _add(tar, name, tarfile.SYMTYPE, link=f"usr/{name}")
    _add_file(tar, "etc/passwd", b"root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
    _add_file(tar, "usr/bin/busybox", Path("/bin/busybox").read_bytes(), 0o755)
    applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in applets:
        if name != "busybox":
            _add(tar, f"usr/bin/{name}", tarfile.SYMTYPE, link="busybox")
    for placed in (Placed(Path(PERL), PERL), *LibraryFinder().closure(Placed(Path(PERL), PERL))):
        _add_file(tar, placed.target.lstrip("/"), placed.source.read_bytes(), 0o755)


def _add(tar: tarfile.TarFile, name: str, kind: bytes, link: str = "", mode: int = 0o755) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, mode
    tar.addfile(member)


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))


def request(*command: str, **options: object) -> ContainerRequest:
    """A container of the attacker's image, without a network unless it is asked for."""
    wanted = {"image": IMAGE, "network": "none", **options}
    return ContainerRequest(command=command, **wanted)  # type: ignore[arg-type]


async def output(session: Session) -> tuple[str, int]:
    """All that a process writes, and its exit status."""
    data = b""
    while (chunk := await session.read()) is not None:
        data += chunk.data
    return data.decode(errors="replace"), await session.wait()


async def run(engine: Engine, *command: str, **options: object) -> str:
    """What a container of its own writes until its end."""
    session = await engine.containers.run_attached(request(*command, auto_remove=True, **options))
    return (await output(session))[0]


async def start(engine: Engine, *command: str, **options: object) -> str:
    """Start a container in the background; its id."""
    return (await engine.containers.run(request(*command, **options))).id


async def execute(engine: Engine, container: str, *argv: str, **options: object) -> str:
    """What a further process in a container writes until its end."""
    wanted = ExecRequest(argv=argv, **options)  # type: ignore[arg-type]
    return (await output(await engine.containers.exec(container, wanted)))[0]


async def first_line(engine: Engine, container: str) -> str:
    """The first line that a container writes, waiting for it."""
    async with aclosing(engine.containers.logs(container, follow=True)) as lines:  # type: ignore[type-var]
        return (await anext(lines)).data.decode(errors="replace")


async def lines(engine: Engine, container: str) -> AsyncIterator[str]:
    """What a container has written so far, line by line."""
    async for line in engine.containers.logs(container):
        yield line.data.decode(errors="replace")


def attempts(text: str) -> list[tuple[str, str]]:
    """What came of each ``try`` and ``attempt``: "open" or the kernel's reason."""
    return [(name, outcome) for name, colon, outcome in (line.rpartition(": ") for line in text.splitlines()) if colon]


def opened(text: str) -> list[str]:
    """The attempts that worked, which none may."""
    found = attempts(text)
    assert found and " at -e line " not in text, f"not all was tried: {text!r}"
    return sorted({name for name, outcome in found if outcome == "open"})


def number(name: str) -> int:
    """A system call's number on this machine."""
    return {**_NUMBERS[platform.machine()], **_EVERYWHERE}[name]
