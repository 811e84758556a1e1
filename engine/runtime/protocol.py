"""What engine, launcher, shim and init say to each other: one frame a datagram on SOCK_SEQPACKET sockets.

A frame starts with one byte. Data frames carry the bytes of a stream after it; a control frame carries a
message as JSON. A connection to a shim has one role, which its first message chooses: `Attach` and `Exec`
turn it into a stream, the others are answered once.
"""

from __future__ import annotations

import mmap
import socket

import msgspec
from msgspec import Struct

from engine import errors
from engine.cgroups.alarms import Kind
from engine.health import HealthCheck, Reaction
from engine.log_config import LogConfig
from engine.network.plan import NetworkPlan
from engine.oci.process_spec import Process
from engine.restart_policy import Restart, RestartPolicy

CONTROL = 0
STDIN = 1
STDOUT = 2
STDERR = 3

DATA_SIZE = 64 * 1024  # of one data frame: well below the default socket buffer of 208 KiB
FRAME_SIZE = 200 * 1024  # nothing longer is ever sent


class Restarting(Struct, tag=True, frozen=True, kw_only=True):
    """How a shim has its container started again; sent to one that runs already it is another policy.

    Attributes:
        last: the restart that this run comes of; None when it was started by hand.
        command: what to execute when the time has come.
    """

    policy: RestartPolicy
    last: Restart | None = None
    command: tuple[str, ...]


class HealthOrder(Struct, frozen=True, kw_only=True):
    """How a shim watches whether its container is well.

    Attributes:
        process: what a check executes.
        stop_signal: what asks the container to end, where `on_unhealthy` wants that.
        stop_seconds: after which it is killed instead; None for never.
    """

    check: HealthCheck
    process: Process
    on_unhealthy: Reaction = "none"
    stop_signal: int
    stop_seconds: float | None


class Launch(Struct, tag=True, frozen=True, kw_only=True):
    """Engine to launcher, with one end of a socket pair on which the shim reports, and a hold on ports: start a shim.

    Attributes:
        generation: which start of this container it is; returned in the status.
        cgroup: its path.
        interactive: keep the standard input open for those who attach.
        start: go on to execve by itself; otherwise wait for `Start` on the shim's socket.
        attach: the socket that the start is reported on stays, as if it had said `Attach` before the start.
        seccomp_cache: the folder of compiled filters.
        log, log_config, journal_fields: where its output goes, in which way, and with what beside it.
        veth_name: what its interfaces' ends on the host are called; a dash and a digit follow from the second on.
        restarting: what is to be done when the container has ended by itself; None for nothing.
        health: how it is watched; None where there is no check.
        history: the folder of all containers' pasts; empty for not to record its own.
        names: the lock of who answers questions for names, which the recorder looks after.
        xray: the file that gets what was asked of the kernel for the start (`engine.xray.parts`); empty for none.
    """

    container_id: str
    generation: int
    bundle: str
    cgroup: str
    runtime_directory: str
    log: str
    network: NetworkPlan | None = None
    veth_name: str = ""
    history: str = ""
    names: str = ""
    xray: str = ""
    interactive: bool = False
    start: bool = True
    attach: bool = False
    seccomp_cache: str | None = None
    log_config: LogConfig = LogConfig()
    journal_fields: dict[str, str] = {}
    restarting: Restarting | None = None
    health: HealthOrder | None = None


class Start(Struct, tag=True, frozen=True):
    """To a shim whose container is created: execute the process."""


class Kill(Struct, tag=True, frozen=True):
    """To a shim: send a signal to the first process, or to an exec's on its connection.

    Attributes:
        by_hand: somebody wants it to end, and no policy may start it again.
        group: on the connection of an exec, all of its processes that haven't left its session's group.
        xray: the file that gets what is asked of the kernel from now on to the container's end; empty for none.
    """

    signal: int
    by_hand: bool = False
    group: bool = False
    xray: str = ""


class Attach(Struct, tag=True, frozen=True):
    """To a shim: send me the first process's output from now on, and take its input from me.

    Attributes:
        past: answer with what it wrote last to its terminal (`Resumed`).
    """

    stdin: bool = True
    past: bool = False


class Exec(Struct, tag=True, frozen=True, kw_only=True):
    """To a shim: run a further process and make this connection its streams.

    Attributes:
        detached: it goes on when the connection is closed, and what it writes then is heard by nobody.
        kept: its name where it goes on without connections, and can be gone on with (`Resume`); empty for none.
        xray: the file that gets what is asked of the kernel for it; empty for none.
    """

    process: Process
    interactive: bool = False
    detached: bool = False
    kept: str = ""
    xray: str = ""


class Resume(Struct, tag=True, frozen=True):
    """To a shim: make this connection a further one of a kept exec session's; answered with `Resumed`."""

    name: str


class ListSessions(Struct, tag=True, frozen=True):
    """To a shim: answer with a `SessionList`."""


class KeptSession(Struct, frozen=True):
    """An exec session that goes on without connections; `viewed` is whether it has any."""

    name: str
    viewed: bool


class SessionList(Struct, tag=True, frozen=True):
    """The exec sessions that a shim keeps."""

    sessions: tuple[KeptSession, ...]


class Resumed(Struct, tag=True, frozen=True):
    """What a terminal's process wrote last; what it writes from now on follows."""

    past: bytes


class Wait(Struct, tag=True, frozen=True):
    """To a shim: answer with `Exited` when the first process has ended."""


class Resize(Struct, tag=True, frozen=True):
    """On a stream: the terminal's new size."""

    rows: int
    columns: int


class CloseStdin(Struct, tag=True, frozen=True):
    """On a stream: no more input will come."""


class Look(Struct, tag=True, frozen=True):
    """To a shim, by the recorder: something may have happened of which the kernel tells nobody."""

    kind: Kind


class Reserve(Struct, tag=True, frozen=True):
    """To a shim, with a hold (`engine.network.port_reservation`): keep these ports of the host's, too."""


class Release(Struct, tag=True, frozen=True):
    """To a shim: give ports of the host's back, each as address, number and protocol."""

    ports: tuple[tuple[str, int, str], ...]


class Done(Struct, tag=True, frozen=True):
    """The answer to a message that asks for nothing else."""


class Created(Struct, tag=True, frozen=True):
    """The container stands; its first process waits to be executed."""

    pid: int


class Running(Struct, tag=True, frozen=True):
    """The process has been executed."""

    pid: int


class Exited(Struct, tag=True, frozen=True):
    """The process has ended; 128 + n when signal n killed it."""

    status: int


class Failed(Struct, tag=True, frozen=True):
    """What was asked didn't work; `kind` is the name of a class in `engine.errors`."""

    kind: str
    cause: str
    remedy: str = ""

    @classmethod
    def of(cls, error: errors.BoxdeckError) -> Failed:
        """The error as a message."""
        return cls(type(error).__name__, error.cause, error.remedy)

    def error(self) -> errors.BoxdeckError:
        """The message as an error again."""
        kind: type[errors.BoxdeckError] = getattr(errors, self.kind, errors.RuntimeFailure)
        return kind(self.cause, self.remedy)


class Born(Struct, tag=True, frozen=True):
    """A stepping stone to the shim: init has been cloned; its pid as the shim sees it."""

    pid: int


class Delivered(Struct, tag=True, frozen=True, kw_only=True):
    """Maker to shim: the container stands. With it come the sockets to init and for clients, and the streams.

    Between sockets and streams is the container's mount namespace: as long as somebody holds that, init's end doesn't
    wait for everything to be unmounted.

    Attributes:
        started: whether init has been told to execute already.
        ready: whether it has said that it can; otherwise that is still to be heard, or why it can't.
        leftovers: children of the shim's that were needed to make it, and have ended.
        terminal: whether the stream is the master of a terminal; otherwise they are pipes, from standard output on
            when the process reads from /dev/null.
        alarms, urgent: of those whose descriptors come last (`engine.cgroups.alarms`).
    """

    pid: int
    started: bool
    ready: bool
    terminal: bool
    leftovers: tuple[int, ...]
    alarms: tuple[Kind, ...] = ()
    urgent: tuple[bool, ...] = ()


class Order(Struct, tag=True, frozen=True, kw_only=True):
    """Maker to an init in stock that has read its ``config.json``, with the standard streams as descriptors: what for.

    Attributes:
        cgroup, below_limits: its path, and whether processes are in one below it; it is made while init reads this.
    """

    container_id: str
    bundle: str
    cgroup: str
    below_limits: bool


class Sources(Struct, tag=True, frozen=True, kw_only=True):
    """Shim to init, with descriptors: the root file system, and the sources of bind mounts and of devices.

    Attributes:
        rootfs: whether the first descriptor is that of the root file system.
        binds, devices: what the other descriptors are the sources of, as positions in the lists of the spec.
        more: whether another message of this kind follows; one carries a limited number of descriptors.
    """

    rootfs: bool
    binds: tuple[int, ...] = ()
    devices: tuple[int, ...] = ()
    more: bool = False


class Proceed(Struct, tag=True, frozen=True):
    """Maker to init: what the next step needs is there (ids and cgroup, network, the end of the runtime's hooks)."""


class Filtered(Struct, tag=True, frozen=True, kw_only=True):
    """Maker to an init in stock: the compiled filter of system calls, as in `engine.runtime.seccomp.Filter`.

    Attributes:
        program: None where there is to be none.
    """

    program: bytes | None
    flags: int = 0
    notifies: bool = False


class Mounted(Struct, tag=True, frozen=True):
    """Init to shim: everything is mounted, and the root not yet changed: the time of hooks."""


class Listener(Struct, tag=True, frozen=True):
    """Init to whoever starts it, with a descriptor: notifications of its seccomp filter come from there."""


Message = (
    Launch | Start | Kill | Attach | Exec | Wait | Resize | CloseStdin | Look | Restarting | Reserve | Release | Done
    | Created | Running | Exited | Failed | Born | Delivered | Order | Sources | Proceed | Filtered | Mounted | Listener
    | Resume | Resumed | ListSessions | SessionList
)  # fmt: skip

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """A control frame."""
    return bytes((CONTROL,)) + _encoder.encode(message)


def decode(frame: bytes | memoryview) -> Message:
    """The message in a control frame.

    Raises:
        RuntimeFailure: it isn't one; the other side is no Boxdeck or another version.
    """
    try:
        return _decoder.decode(memoryview(frame)[1:])
    except msgspec.MsgspecError as error:
        raise errors.RuntimeFailure(f"a message can't be understood ({error})") from error


def send(connection: socket.socket, message: Message) -> None:
    """Send a message on a blocking socket, ignoring that the other side has gone."""
    try:
        connection.send(encode(message), socket.MSG_NOSIGNAL)
    except OSError:
        return


def receive(connection: socket.socket) -> Message | None:
    """The next message on a blocking socket; None when the other side has closed it.

    Raises:
        RuntimeFailure: it can't be understood.
    """
    try:
        frame, _ = receive_frame(connection)
    except ConnectionError:
        return None
    return decode(frame) if frame else None


def receive_frame(connection: socket.socket, most_rights: int = 0) -> tuple[memoryview, list[int]]:
    """The next frame and the descriptors that came with it; an empty one when the other side has closed.

    Args:
        most_rights: how many descriptors there may be; the kernel closes more.

    Returns:
        The frame is there until the next one is received.

    Raises:
        OSError: as recvmsg(2).
    """
    space = socket.CMSG_LEN(4 * most_rights) if most_rights else 0
    size, ancillary, _, _ = connection.recvmsg_into([_buffer], space, socket.MSG_CMSG_CLOEXEC)
    rights: list[int] = []
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            rights += memoryview(data[: len(data) - len(data) % 4]).cast("i")
    return memoryview(_buffer)[:size], rights


_buffer = mmap.mmap(-1, FRAME_SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
"""One for all frames of a process: what is made for each, and given back, costs more than reading it."""
