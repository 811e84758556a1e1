"""``boxdeck run`` and ``boxdeck create``: options become a `ContainerRequest`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.command import Command, with_engine
from engine.cli.failure import warn
from engine.cli.health_options import health_of
from engine.cli.limit_notes import without_effect
from engine.cli.limit_options import limits_of
from engine.cli.line_files import labels, variables
from engine.cli.log_options import log_config
from engine.cli.network_options import attachments
from engine.cli.output import write_lines
from engine.cli.publish_options import ports
from engine.cli.run_options import CreateOptions, RunOptions, create_arguments, run_arguments
from engine.compile import mount_words, notation
from engine.compile.security_words import security
from engine.errors import InvalidRequest, NotFound
from engine.model import Container, ContainerRequest
from engine.options import BindMount, Security, TmpfsMount, VolumeMount

if TYPE_CHECKING:
    from engine.engine import Engine


async def _create(engine: Engine, options: CreateOptions) -> int:
    _streams(options)
    with _cidfile(options.cidfile) as tell:
        await _ensure(engine, options)
        container = await engine.containers.create(request_of(options))
        tell(container)
    _warn_of(engine, container)
    write_lines([container.id])
    return 0


async def _run(engine: Engine, options: RunOptions) -> int:
    if not options.detach:
        return await _run_attached(engine, options)
    if options.attach:
        raise InvalidRequest("--attach and --detach contradict each other", "leave one of them out")
    with _cidfile(options.cidfile) as tell:
        await _ensure(engine, options)
        container = await engine.containers.run(request_of(options))
        tell(container)
    _warn_of(engine, container)
    write_lines([container.id])
    return 0


async def _run_attached(engine: Engine, options: RunOptions) -> int:
    from engine.cli.early_signals import kept
    from engine.cli.foreground import check_terminal, follow

    streams = _streams(options)
    interactive, shown = "stdin" in streams, streams & {"stdout", "stderr"}
    check_terminal(interactive, options.tty)
    with _cidfile(options.cidfile) as tell:
        await _ensure(engine, options)
        with kept(options.tty, options.sig_proxy) as early:
            session = await engine.containers.run_attached(request_of(options))
            tell(session.container)
            _warn_of(engine, session.container)
            if not shown:
                write_lines([session.container.id])
            return await follow(session, interactive, options, engine, shown=shown, early=early)


def _streams(options: CreateOptions) -> frozenset[str]:
    """Which streams are wanted.

    Raises:
        InvalidRequest: input where there is none.
    """
    if "stdin" in options.attach and not options.interactive:
        raise InvalidRequest("-a stdin needs a standard input that is open", "give -i, too")
    return frozenset(options.attach or ("stdout", "stderr", *(["stdin"] if options.interactive else [])))


@contextmanager
def _cidfile(path: str | None) -> Iterator[Callable[[Container], None]]:
    """Writes a container's id into a new file, which goes again when there will be no container.

    Raises:
        InvalidRequest: the file is there already, or can't be made.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError as error:
        raise InvalidRequest(f"--cidfile {path} is there already", "remove it, or choose another path") from error
    except OSError as error:
        raise InvalidRequest(f"--cidfile {path} can't be made ({error.strerror})", "choose another path") from error

    def tell(container: Container) -> None:
        Path(path).write_text(container.id)

    try:
        yield tell
    except BaseException:
        Path(path).unlink()
        raise


def _warn_of(engine: Engine, container: Container) -> None:
    of_limits = without_effect(container.request.limits)
    for warning in (*container.warnings, *of_limits, *engine.containers.ports.obstacles(container)):
        warn(warning)


async def _ensure(engine: Engine, options: CreateOptions) -> None:
    """Have the image, showing how it comes; say what there is when it can't be had."""
    from engine.cli.progress import shown

    reference, platform = options.image, options.platform
    if (options.pull == "always" or platform) and not engine.images.is_base(reference) and options.pull != "never":
        pulling = engine.images.pull(reference, platform)
        await (pulling if options.quiet else shown(pulling))
        return
    try:
        if options.pull == "never" or options.quiet:
            await (engine.images.get(reference) if options.pull == "never" else engine.images.ensure(reference))
        else:
            await shown(engine.images.ensure(reference))
    except NotFound as error:
        here = sorted({name for image in await engine.images.list() for name in image.references} | {"base:latest"})
        raise NotFound(
            error.cause, f"there are {', '.join(here)}; bring in others with boxdeck pull, load or import"
        ) from error


def request_of(options: CreateOptions) -> ContainerRequest:
    """The request that the options of a command line stand for.

    Raises:
        InvalidRequest: words that can't be understood.
    """
    mounts = [*map(notation.volume, options.volume), *map(mount_words.mount, options.mount)]
    network, wishes = attachments(options)
    return ContainerRequest(
        image=options.image,
        command=tuple(options.command),
        attach=tuple(options.attach),
        entrypoint=_entrypoint(options.entrypoint),
        name=options.name,
        env=variables(options.env_file, options.env),
        working_dir=options.workdir,
        user=options.user,
        groups=tuple(options.group_add),
        umask=options.umask,
        hostname=options.hostname,
        domainname=options.domainname,
        tty=options.tty,
        interactive=options.interactive,
        init=options.init,
        stop_signal=options.stop_signal,
        stop_timeout_seconds=options.stop_timeout,
        network=network,
        ports=ports(options),
        exposed_ports=tuple(options.expose),
        publish_all=options.publish_all,
        attachments=wishes,
        extra_hosts=tuple(options.add_host),
        dns=tuple(options.dns),
        dns_search=tuple(options.dns_search),
        dns_options=tuple(options.dns_option),
        userns=options.userns,
        pid=options.pid,
        ipc=options.ipc,
        uts=options.uts,
        cgroupns=options.cgroupns,
        time_namespace=options.time_namespace or bool(options.boot_offset),
        boot_offset_seconds=options.boot_offset,
        limits=limits_of(options),
        security=_security(options),
        read_only=options.read_only,
        binds=tuple(mount for mount in mounts if isinstance(mount, BindMount)),
        volumes=tuple(mount for mount in mounts if isinstance(mount, VolumeMount)),
        volumes_from=tuple(options.volumes_from),
        tmpfs=(
            *map(notation.tmpfs, options.tmpfs),
            *(mount for mount in mounts if isinstance(mount, TmpfsMount)),
        ),
        shm_size_bytes=options.shm_size,
        devices=tuple(map(notation.device, options.device)),
        device_rules=tuple(options.device_cgroup_rule),
        ulimits=tuple(map(notation.ulimit, options.ulimit)),
        sysctls=dict(map(notation.sysctl, options.sysctl)),
        restart_policy=options.restart,
        health=health_of(options),
        oom_score_adj=options.oom_score_adj,
        log=log_config(options.log_driver, options.log_opt),
        auto_remove=options.rm,
        labels=labels(options.label_file, options.label),
        annotations=dict(options.annotation),
    )


def _security(options: CreateOptions) -> Security:
    said = Security(privileged=options.privileged, cap_add=tuple(options.cap_add), cap_drop=tuple(options.cap_drop))
    return security(said, options.security_opt)


def _entrypoint(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise InvalidRequest(f"--entrypoint {text!r} can't be split into words", "close its quotes") from error


CREATE = Command(CreateOptions, create_arguments, with_engine(_create))
RUN = Command(RunOptions, run_arguments, with_engine(_run))
