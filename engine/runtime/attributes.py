"""What a process inherits over execve beside ids and capabilities: limits, labels and so on (config.md, "Process")."""

from __future__ import annotations

import errno
import os
import resource

from engine.errors import BoxdeckError, InvalidRequest, RuntimeFailure, Unsupported
from engine.linux import memory_policy, personality, scheduling, security_label, trace
from engine.oci.linux_spec import Linux, MemoryPolicy, Personality
from engine.oci.process_spec import IOPriority, Process, Rlimit, Scheduler

_RLIMITS = {
    "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
}  # fmt: skip
_LARGEST_LIMIT = (1 << 63) - 1  # what is more means no limit, as RLIM_INFINITY (2^64 - 1) does


def needs_grant(process: Process) -> bool:
    """Whether `grant` has anything to do for a process that has inherited our limits."""
    wanted = (process.oom_score_adj, process.scheduler, process.io_priority)
    if wanted != (None, None, None):
        return True
    return bool(process.rlimits) and any(_is_raise(limit, 0) for limit in process.rlimits)


def grant(process: Process, pid: int = 0) -> None:
    """Give a process what takes privileges over the host, which it lacks itself once it is in its user namespace.

    Hard limits are only raised; `limit` lowers them when nothing needs the higher ones any more.

    Args:
        pid: whom, waiting in its cgroup to execute; 0 for ourselves, before we enter a user namespace.

    Raises:
        BoxdeckError: the kernel or our own privileges don't allow it.
    """
    for limit in process.rlimits:
        _raise_hard_limit(limit, pid)
    if process.oom_score_adj is not None:
        _set_oom_score_adj(process.oom_score_adj, pid)
    if process.scheduler is not None:
        _schedule(process.scheduler, pid)
    if process.io_priority is not None:
        _prioritise_io(process.io_priority, pid)


def take_on(process: Process, linux: Linux) -> None:
    """Give ourselves what needs no privileges over the host, and hinders nothing that is still to be done.

    Raises:
        BoxdeckError: the kernel doesn't allow it, or has never heard of it.
    """
    if linux.personality is not None:
        _set_personality(linux.personality)
    if linux.memory_policy is not None:
        _set_memory_policy(linux.memory_policy)
    if process.apparmor_profile:
        _set_apparmor_profile(process.apparmor_profile)
    if process.selinux_label:
        _set_selinux_label(process.selinux_label)


def limit(process: Process) -> None:
    """Set the resource limits of `process`: late, since they hold for us, too.

    Raises:
        InvalidRequest: they can't be meant.
        Unsupported: one is above our own.
    """
    if len({wanted.type for wanted in process.rlimits}) < len(process.rlimits):  # config.md: must be an error
        raise InvalidRequest("process.rlimits has an entry twice", "keep one of each type")
    for wanted in process.rlimits:
        _set_limit(wanted)


def pin(processors: str, pid: int = 0) -> None:
    """Let a process run on some processors only, given as a list such as ``0-3,7`` (config.md, "execCPUAffinity").

    Raises:
        InvalidRequest: it is no such list.
        Unsupported: none of them can be had.
    """
    try:
        scheduling.set_affinity(pid, _numbers(processors))
    except OSError as error:
        raise Unsupported(
            f"a process can't run on the processors {processors} ({_reason(error)})",
            "choose some that this machine and the container's cpuset have",
        ) from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()


def _numbers(text: str) -> set[int]:
    try:
        return scheduling.processors(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not a list of numbers", "write it as 0-3,7") from error


def _number(limit: Rlimit) -> int:
    number = _RLIMITS.get(limit.type)
    if number is None:
        raise InvalidRequest(f"there is no resource limit {limit.type}", "see getrlimit(2) for their names")
    return number


def _value(limit: int) -> int:
    return limit if 0 <= limit <= _LARGEST_LIMIT else resource.RLIM_INFINITY


def _set_limit(limit: Rlimit) -> None:
    try:
        trace.call(resource.setrlimit, _number(limit), (_value(limit.soft), _value(limit.hard)))
    except (OSError, ValueError) as error:
        raise _limit_failure(limit, error) from error


def _raise_hard_limit(limit: Rlimit, pid: int) -> None:
    number = _number(limit)
    try:
        if _is_raise(limit, pid):
            soft, _ = resource.prlimit(pid, number)
            trace.call(resource.prlimit, pid, number, (soft, _value(limit.hard)))
    except (OSError, ValueError) as error:
        raise _limit_failure(limit, error) from error


def _is_raise(limit: Rlimit, pid: int) -> bool:
    wanted, (_, hard) = _value(limit.hard), resource.prlimit(pid, _number(limit))
    return hard != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > hard)


def _limit_failure(limit: Rlimit, error: Exception) -> BoxdeckError:
    values = f"{limit.soft}:{limit.hard}"
    hard = resource.getrlimit(_number(limit))[1]
    if isinstance(error, ValueError) and _exceeds(limit.soft, limit.hard):
        return InvalidRequest(f"{limit.type} can't be {values}", "the first, soft limit must not exceed the second")
    return Unsupported(
        f"{limit.type} can't be {values} without CAP_SYS_RESOURCE, since ours is {hard}", f"ask for {hard} at most"
    )


def _exceeds(soft: int, hard: int) -> bool:
    soft, hard = _value(soft), _value(hard)
    return hard != resource.RLIM_INFINITY and (soft == resource.RLIM_INFINITY or soft > hard)


def _set_oom_score_adj(value: int, pid: int) -> None:
    try:
        path = f"/proc/{pid or 'self'}/oom_score_adj"
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            trace.call(os.write, descriptor, str(value).encode(), path=path)
        finally:
            os.close(descriptor)
    except PermissionError as error:
        raise Unsupported(
            f"oom_score_adj can't be {value} without CAP_SYS_RESOURCE", "ask for at least our own, or leave it out"
        ) from error
    except OSError as error:
        raise InvalidRequest(f"oom_score_adj can't be {value} ({_reason(error)})", "it is -1000 to 1000") from error


def _schedule(wanted: Scheduler, pid: int) -> None:
    flags = sum(scheduling.FLAGS[name] for name in set(wanted.flags))
    try:
        scheduling.set_policy(
            pid,
            scheduling.POLICIES[wanted.policy],
            flags=flags,
            nice=wanted.nice,
            priority=wanted.priority,
            runtime=wanted.runtime,
            deadline=wanted.deadline,
            period=wanted.period,
        )
    except PermissionError as error:
        raise Unsupported(
            f"{wanted.policy} as in process.scheduler isn't possible without CAP_SYS_NICE",
            "and on cgroup v1 the cgroup needs a share of real time, linux.resources.cpu.realtimeRuntime",
        ) from error
    except OSError as error:
        raise Unsupported(
            f"{wanted.policy} as in process.scheduler isn't possible ({_reason(error)})",
            "see sched_setattr(2) for what a policy takes",
        ) from error


def _prioritise_io(wanted: IOPriority, pid: int) -> None:
    name, priority = wanted.class_, wanted.priority
    if not 0 <= priority <= 7:  # what is above means something else to newer kernels
        raise InvalidRequest(f"{name} {priority} as in process.ioPriority isn't possible", "priorities are 0 to 7")
    try:
        scheduling.set_io_priority(pid, scheduling.IO_CLASSES[name], priority)
    except PermissionError as error:
        raise Unsupported(
            f"{name} as in process.ioPriority isn't possible without CAP_SYS_NICE", "choose IOPRIO_CLASS_BE"
        ) from error
    except OSError as error:
        raise Unsupported(f"{name} as in process.ioPriority isn't possible ({_reason(error)})") from error


def _set_personality(wanted: Personality) -> None:
    if wanted.flags:  # config-linux.md, "Personality": none are defined
        raise InvalidRequest(f"there is no personality flag {wanted.flags[0]}", "leave linux.personality.flags empty")
    try:
        personality.set_personality(personality.DOMAINS[wanted.domain])
    except OSError as error:
        raise Unsupported(f"the personality {wanted.domain} isn't possible ({_reason(error)})") from error


def _set_memory_policy(wanted: MemoryPolicy) -> None:
    mode = memory_policy.MODES[wanted.mode] | sum(memory_policy.FLAGS[name] for name in set(wanted.flags))
    try:
        memory_policy.set_memory_policy(mode, _numbers(wanted.nodes) if wanted.nodes else ())
    except OSError as error:
        raise Unsupported(
            f"the memory policy {wanted.mode} for the nodes {wanted.nodes or '(none)'} isn't possible "
            f"({_reason(error)})",
            "see set_mempolicy(2), and in /sys/devices/system/node which nodes there are",
        ) from error


def _set_apparmor_profile(name: str) -> None:
    try:
        security_label.set_apparmor_profile(name)
    except OSError as error:
        if error.errno == errno.ENOSYS and name == "unconfined":  # which is what every process is there
            return
        raise _label_failure(
            error, f"the AppArmor profile {name}", "AppArmor", "load it with apparmor_parser"
        ) from error


def _set_selinux_label(label: str) -> None:
    try:
        security_label.set_selinux_label(label)
    except OSError as error:
        raise _label_failure(error, f"the SELinux label {label}", "SELinux", "choose one of the policy's") from error


def _label_failure(error: OSError, what: str, module: str, remedy: str) -> BoxdeckError:
    if error.errno == errno.ENOSYS:
        return Unsupported(f"{what} can't be used: this kernel has no {module}", "take it out of the configuration")
    if error.errno == errno.ENOENT:
        return RuntimeFailure(f"{what} isn't loaded", remedy)
    return RuntimeFailure(f"{what} can't be used ({_reason(error)})", remedy)
