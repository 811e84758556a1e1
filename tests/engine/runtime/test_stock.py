"""An init in stock, which may be shown what it isn't for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.oci.linux_spec import Linux, Namespace
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Root, Spec, encode

pytestmark = pytest.mark.vm

_SHOWN = """
import fcntl, os, socket, struct, sys, time
from pathlib import Path
from engine.linux import clone, namespaces
from engine.runtime import init

SIOCOUTQ = 0x5411  # asm-generic/ioctls.h, TIOCOUTQ: what the other side hasn't read yet

def unread(connection):
    return struct.unpack("=i", fcntl.ioctl(connection, SIOCOUTQ, bytes(4)))[0]

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
child = clone.clone(namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWNS)
if child.pid == 0:
    ours.close()
    init.await_order(theirs, 0, b"", ())
theirs.close()
ours.send(sys.stdin.buffer.read())
while unread(ours) or Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "SZ":
    time.sleep(0.01)
namespaces.setns(os.open(f"/proc/{child.pid}/ns/uts", os.O_RDONLY), namespaces.CLONE_NEWUTS)
print(os.uname().nodename)
ours.close()
print(os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]))
"""


def test_it_does_nothing_about_a_spec_before_it_is_ordered_to_be_that() -> None:
    """Its namespaces may be the host's where the container wants others.

    Seen to fail with an init that does at once what needs nothing but the spec.
    """
    spec = Spec(
        oci_version="1.0.2",
        root=Root(path="rootfs"),
        hostname="insider",
        process=Process(args=("true",), cwd="/"),
        linux=Linux(namespaces=(Namespace(type="mount"), Namespace(type="uts"))),
    )
    argv = [sys.executable, "-c", _SHOWN]
    shown = subprocess.run(argv, input=encode(spec), capture_output=True, check=True)
    assert shown.stdout.decode().split() == [os.uname().nodename, "125"], shown.stderr
