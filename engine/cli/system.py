"""``boxdeck info`` and ``boxdeck system VERB``."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from engine.cli.command import Command, NounVerb, Options, Parser, with_engine
from engine.cli.documents import InfoDocument
from engine.cli.formats import binary_size
from engine.cli.noun import noun
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.model import Info

if TYPE_CHECKING:
    from engine.engine import Engine


class InfoOptions(Options):
    """Options of ``info``."""

    format: Format


def _info_arguments(parser: Parser) -> None:
    format_argument(parser, "text")


async def _info(engine: Engine, options: InfoOptions) -> int:
    info = await engine.info()
    if options.format.name == "json":
        write_json(info_document(info))
    elif options.format.name == "template":
        write_lines([options.format.line(info_document(info))])
    else:
        write_lines(info_lines(info))
    return 0


def info_document(info: Info) -> InfoDocument:
    """With docker's field names."""
    return InfoDocument(
        server_version=info.version,
        name=socket.gethostname(),
        containers=info.containers,
        containers_running=info.containers_running,
        containers_stopped=info.containers - info.containers_running,
        images=info.images,
        cgroup_version="2" if info.cgroup_version == "v2" else "1",
        cgroup_controllers=info.controllers,
        kernel_version=info.kernel,
        architecture=info.architecture,
        processors=info.processors,
        memory_total_bytes=info.memory_total_bytes,
        root_dir=info.root,
        run_root_dir=info.runroot,
        security_options=("name=seccomp,profile=builtin", *(() if info.no_user_namespaces else ("name=userns",))),
        warnings=(f"no user namespaces: {info.no_user_namespaces}",) if info.no_user_namespaces else (),
    )


def info_lines(info: Info) -> list[str]:
    """For people."""
    return [
        f"Version:      {info.version}",
        f"Containers:   {info.containers}, {info.containers_running} of them running",
        f"Images:       {info.images}",
        f"Root:         {info.root}",
        f"Run root:     {info.runroot}",
        f"Cgroups:      {info.cgroup_version} ({' '.join(info.controllers)})",
        f"Kernel:       {info.kernel} {info.architecture}",
        f"Processors:   {info.processors}",
        f"Memory:       {binary_size(info.memory_total_bytes)}",
        f"Ids:          {_ids(info)}",
    ]


def _ids(info: Info) -> str:
    if info.no_user_namespaces:
        return f"the host's: {info.no_user_namespaces}"
    return "of each container's own (user namespaces)"


INFO = Command(InfoOptions, _info_arguments, with_engine(_info))
SYSTEM = noun(
    "system",
    {
        "check": NounVerb("system_check", "CHECK", "find what is out of step, and mend it with --repair"),
        "df": NounVerb("system_df", "DF", "show what images, containers and volumes take on the disk"),
        "info": NounVerb("system", "INFO", "show what Boxdeck stands on"),
        "events": NounVerb("events", "EVENTS", "show what happens to containers and all else, as it happens"),
        "prune": NounVerb("system_prune", "PRUNE", "remove all that nobody needs"),
        "restore": NounVerb("system_restore", "RESTORE", "start what restart policies want to run, as after a boot"),
        "reset": NounVerb("system_reset", "RESET", "remove all containers, images and state of this root"),
    },
)
