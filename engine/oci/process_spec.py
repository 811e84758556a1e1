"""``process`` of a ``config.json`` (config.md, "Process"), and what ``exec`` runs.

Field names are the specification's.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class User(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "POSIX-platform User"."""

    uid: int = 0
    gid: int = 0
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()


class ConsoleSize(Struct, frozen=True, kw_only=True):
    """Rows and columns of the terminal at the start."""

    height: int
    width: int


class Capabilities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The five sets, as names with their CAP_ prefix."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


class Rlimit(Struct, frozen=True, kw_only=True):
    """One resource limit: type such as RLIMIT_NOFILE."""

    type: str
    hard: int
    soft: int


class Scheduler(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """sched_setattr(2); times in nanoseconds."""

    policy: Literal[
        "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE",
    ]  # fmt: skip
    nice: int = 0
    priority: int = 0
    flags: tuple[
        Literal[
            "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY",
            "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX",
        ],
        ...,
    ] = ()  # fmt: skip
    runtime: int = 0
    deadline: int = 0
    period: int = 0


class IOPriority(Struct, frozen=True, kw_only=True):
    """ioprio_set(2)."""

    class_: Literal["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] = field(name="class")
    priority: int = 0


class ExecCPUAffinity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Processors of an exec before and after it enters the container's cgroup, as lists such as ``0-3,7``."""

    initial: str = ""
    final: str = ""


class Process(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "Process"."""

    cwd: str
    args: tuple[str, ...] = ()
    user: User = User()
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: ConsoleSize | None = None
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    selinux_label: str = ""
    oom_score_adj: int | None = None
    scheduler: Scheduler | None = None
    io_priority: IOPriority | None = None
    exec_cpu_affinity: ExecCPUAffinity | None = field(default=None, name="execCPUAffinity")
