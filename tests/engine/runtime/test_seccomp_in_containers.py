"""The default filter on containers: everyday programs don't notice it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ExecRequest
from engine.options import BindMount, Security
from tests.engine.attacks.inside import output

pytestmark = pytest.mark.vm

# The programs of this machine, on the root file system of a container.
HOST = tuple(
    BindMount(source=path, destination=path, read_only=True)
    for path in ("/usr", "/etc/apt", "/etc/alternatives", "/var/lib/dpkg", "/etc/perl")
    if Path(path).is_dir()
)
EVERYDAY = {
    "python3": """python3 -I -c '
import asyncio, concurrent.futures, mmap, multiprocessing, os, select, signal, socket, sqlite3, subprocess, threading
async def talk():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.read() == b""
    child = await asyncio.create_subprocess_exec("true")
    assert await child.wait() == 0
asyncio.run(talk())
threads = [threading.Thread(target=os.getpid) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
with concurrent.futures.ProcessPoolExecutor(2) as pool: assert list(pool.map(abs, [-1, 2])) == [1, 2]
lock = multiprocessing.Lock(); lock.acquire(); lock.release()
db = sqlite3.connect("/tmp/x.db"); db.execute("create table a(b)"); db.commit()
mmap.mmap(-1, 1 << 20); os.memfd_create("x"); os.eventfd(0); os.pidfd_open(os.getpid()); os.urandom(9)
signal.setitimer(signal.ITIMER_REAL, 0); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.nice(1)
os.setxattr("/tmp/x.db", "user.a", b"b"); os.copy_file_range
os.posix_fallocate(os.open("/tmp/f", os.O_CREAT | os.O_RDWR), 0, 4096); os.mkfifo("/tmp/p"); os.chown("/tmp/f", 5, 5)
' && echo fine""",
    "perl": "perl -e 'if (!(my $p = fork)) { exec qw(true) } else { waitpid $p, 0 } socketpair(A, B, 1, 1, 0) or die;"
    " print qq(fine\\n)'",
    "dpkg-query": "dpkg-query --show dpkg >/dev/null && echo fine",
    "apt-cache": "apt-cache --version >/dev/null && echo fine",
    "tar": "tar -C /usr -cf - bin/tar | tar -C /tmp -xf - && echo fine",
    "su": "setpriv --reuid 1000 --regid 1000 --clear-groups true && echo fine",
    "ping": "ping -c 1 -W 5 127.0.0.1 >/dev/null && echo fine",
    "ps": "ps ax >/dev/null && top -b -n 1 >/dev/null && echo fine",
    "chrt": "chrt -b 0 ionice -c 2 nice -n 5 taskset -c 0 true && echo fine",
    "strace": "strace -f -o /dev/null true && echo fine",
    "openssl": "openssl rand -hex 8 >/dev/null && echo fine",
    "git": "cd /tmp && git init -q r >/dev/null && echo fine",
    "gcc": "cd /tmp && echo 'int main(void){return 0;}' > a.c && gcc a.c && ./a.out && echo fine",
    "script": "script -qc 'echo fine' /dev/null </dev/null | tr -d '\\r'",
}


async def said(engine: Engine, script: str, **options: object) -> str:
    wanted = {"image": "base", "network": "none", "auto_remove": True, **options}
    request = ContainerRequest(command=("sh", "-c", f"exec 2>&1; {script}"), **wanted)  # type: ignore[arg-type]
    return (await output(await engine.containers.run_attached(request)))[0]


@pytest.mark.parametrize(
    ("program", "userns"),
    [*((program, "auto") for program in sorted(EVERYDAY)), ("python3", "host"), ("ping", "host")],
)
async def test_everyday_programs_work(engine: Engine, program: str, userns: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} isn't here")
    assert await said(engine, EVERYDAY[program], binds=HOST, userns=userns) == "fine\n"


STATUS = "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | cut -f 2 | tr -d '\\n'"


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (Security(), "02"),
        (Security(no_new_privileges=True), "12"),
        (Security(seccomp="unconfined"), "00"),
        (Security(privileged=True), "00"),
        (Security(privileged=True, seccomp='{"defaultAction": "SCMP_ACT_ALLOW"}'), "02"),
    ],
)
async def test_every_process_is_under_a_filter_unless_somebody_says_no(
    engine: Engine, security: Security, expected: str
) -> None:
    assert await said(engine, STATUS, security=security) == expected
    request = ContainerRequest(image="base", network="none", command=("sleep", "1000"), security=security)
    container = await engine.containers.run(request)
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", STATUS)))
    assert (await output(session))[0] == expected


@pytest.mark.parametrize("userns", ["host", "auto"])
async def test_no_user_namespace_can_be_made_and_so_no_capability_be_had(engine: Engine, userns: str) -> None:
    script = "unshare -U true; unshare -n true; unshare -m true; mount -t tmpfs x /mnt; echo $?"
    lines = (await said(engine, script, userns=userns)).splitlines()
    assert [line.rsplit(": ", 1)[-1].rstrip(".") for line in lines[:3]] == ["Operation not permitted"] * 3
    assert lines[-1] != "0"


async def test_a_capability_brings_its_calls(engine: Engine) -> None:
    wanted = Security(cap_add=("SYS_ADMIN",))
    assert await said(engine, "unshare -m true && mount -t tmpfs x /mnt && echo fine", security=wanted) == "fine\n"


async def test_a_filter_of_ones_own(engine: Engine) -> None:
    text = """{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 55}]}"""
    assert "No anode" in await said(engine, "mkdir /tmp/x", security=Security(seccomp=text))


async def test_a_filter_that_can_t_be_meant_makes_no_container(engine: Engine) -> None:
    text = '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}'
    before = await engine.containers.list(all_states=True)
    with pytest.raises(InvalidRequest, match="SCMP_ARCH_Z80"):
        await said(engine, "true", security=Security(seccomp=text))
    assert await engine.containers.list(all_states=True) == before
