"""The options of ``boxdeck run`` and ``boxdeck create``; names and meanings are docker's."""

from __future__ import annotations

import argparse

from engine.cli import log_options, values
from engine.cli.attach_options import AttachmentOptions, detach_argument, proxy_argument, stream
from engine.cli.command import Parser
from engine.cli.health_options import HealthCheckOptions, health_arguments
from engine.cli.limit_options import LimitOptions, limit_arguments
from engine.cli.network_options import NetworkOptions, network_arguments
from engine.cli.publish_options import PublishOptions, publish_arguments
from engine.cli.refused_options import refused_arguments
from engine.log_config import LogDriver
from engine.restart_policy import RestartPolicy


class CreateOptions(AttachmentOptions, HealthCheckOptions, LimitOptions, NetworkOptions, PublishOptions):
    """Options of ``create``."""

    image: str
    command: list[str]
    attach: list[str]
    name: str | None
    interactive: bool
    tty: bool
    rm: bool
    init: bool
    env: list[str]
    env_file: list[str]
    label: list[tuple[str, str]]
    annotation: list[tuple[str, str]]
    label_file: list[str]
    cidfile: str | None
    workdir: str | None
    user: str | None
    group_add: list[str]
    umask: int | None
    hostname: str | None
    domainname: str
    entrypoint: str | None
    stop_signal: str | None
    stop_timeout: float | None
    ulimit: list[str]
    shm_size: int | None
    oom_score_adj: int | None
    log_driver: LogDriver
    log_opt: list[str]
    pull: str
    platform: str | None
    quiet: bool
    restart: RestartPolicy
    volume: list[str]
    mount: list[str]
    volumes_from: list[str]
    tmpfs: list[str]
    read_only: bool
    device: list[str]
    device_cgroup_rule: list[str]
    privileged: bool
    cap_add: list[str]
    cap_drop: list[str]
    security_opt: list[str]
    sysctl: list[str]
    userns: str | None
    pid: str
    ipc: str
    uts: str
    cgroupns: str
    time_namespace: bool
    boot_offset: int


class RunOptions(CreateOptions):
    """Options of ``run``."""

    detach: bool


def run_arguments(parser: Parser) -> None:
    """Add the options of ``run``."""
    parser.add_argument("-d", "--detach", action="store_true", help="leave it in the background and print its id")
    detach_argument(parser)
    proxy_argument(parser)
    create_arguments(parser)


def create_arguments(parser: Parser) -> None:
    """Add the options of ``create``."""
    parser.usage = f"{parser.prog} [OPTION …] IMAGE [COMMAND …]"
    parser.add_argument(
        "-a", "--attach", metavar="STREAM", type=stream, action="append", default=[],
        help="only stdin, stdout or stderr; may be repeated [the last two, and with -i all]",
    )  # fmt: skip
    _process_arguments(parser)
    health_arguments(parser)
    limit_arguments(parser)
    _further_limits(parser)
    network_arguments(parser)
    publish_arguments(parser)
    _file_arguments(parser)
    _security_arguments(parser)
    _namespace_arguments(parser)
    refused_arguments(parser)
    add = parser.add_argument
    add("image", metavar="IMAGE", help="'base' is assembled from this machine's own tools when it is first used")
    command = add("command", metavar="COMMAND …", nargs=argparse.REMAINDER, help="instead of the image's")
    command.required = False  # as argparse calls it when the image is missing


def _process_arguments(parser: Parser) -> None:
    add = parser.add_argument_group("its process").add_argument
    add("--name", help="what to call it [two words]")
    add("-i", "--interactive", action="store_true", help="keep its standard input open")
    add("-t", "--tty", action="store_true", help="give it a terminal")
    add("--rm", action="store_true", help="remove it when it ends")
    add("--init", action="store_true", help="a first process that reaps orphans and passes signals on")
    add("-e", "--env", metavar="NAME=VALUE", type=values.variable, action="append", default=[], help="a variable")
    add("--env-file", metavar="FILE", action="append", default=[], help="a file with a NAME=VALUE on each line")
    add("-l", "--label", metavar="KEY=VALUE", type=values.label, action="append", default=[], help="a label")
    add("--annotation", metavar="KEY=VALUE", type=values.label, action="append", default=[], help="for OCI hooks")
    add("--label-file", metavar="FILE", action="append", default=[], help="a file with a KEY=VALUE on each line")
    add("--cidfile", metavar="FILE", help="write its id there, into a file that isn't there yet")
    add("-w", "--workdir", metavar="DIR", help="where the command starts")
    add("-u", "--user", metavar="USER[:GROUP]", help="who runs the command, by name or number")
    add("--group-add", metavar="GROUP", action="append", default=[], help="a further group, by name or number")
    add("--umask", metavar="MODE", type=values.umask, help="which permissions new files don't get [0022]")
    add("-h", "--hostname", metavar="NAME", help="its host name [the beginning of its id]")
    add("--domainname", metavar="NAME", default="", help="its NIS domain name")
    add("--entrypoint", metavar="COMMAND", help="instead of the image's; empty for none")
    add("--stop-signal", metavar="SIGNAL", help="what asks it to end [the image's, or SIGTERM]")
    add("--restart", metavar="POLICY", type=values.restart, default=RestartPolicy(), help=values.RESTART_HELP)
    add(
        "--stop-timeout",
        metavar="SECONDS",
        type=values.stop_timeout,
        help="how long it may take to end; -1 for ever [10]",
    )


def _further_limits(parser: Parser) -> None:
    add = parser.add_argument_group("further limits").add_argument
    add("--ulimit", metavar="NAME=SOFT[:HARD]", action="append", default=[], help="a limit, such as nofile=1024:2048")
    add("--shm-size", metavar="SIZE", type=values.memory_size, help="of /dev/shm [64m]")
    add("--oom-score-adj", metavar="NUMBER", type=int, help="-1000 to 1000: the larger, the sooner killed for memory")
    add(
        "--pull",
        choices=("missing", "always", "never"),
        default="missing",
        help="the image from its registry [missing]",
    )
    add("--platform", metavar="OS/ARCH", help="which of its variants, such as linux/arm64 [this machine's]")
    add("-q", "--quiet", action="store_true", help="don't show how the image comes")
    add("--log-driver", type=log_options.driver, default="file", metavar="DRIVER", help=log_options.DRIVER_HELP)
    add("--log-opt", metavar="NAME=VALUE", action="append", default=[], help=log_options.HELP)


def _file_arguments(parser: Parser) -> None:
    add = parser.add_argument_group("files and devices").add_argument
    add(
        "-v", "--volume", metavar="HOST:CONTAINER[:OPTIONS]", action="append", default=[],
        help="show a file or folder of the host, such as /srv:/data:ro, or a volume, such as data:/data",
    )  # fmt: skip
    add(
        "--mount", metavar="type=…,target=…", action="append", default=[],
        help="the same in other words: type=bind|volume,source=…,target=…[,readonly][,volume-subpath=…] or "
        "type=tmpfs,target=…[,tmpfs-size=…]",
    )  # fmt: skip
    add("--volumes-from", metavar="CONTAINER[:ro]", action="append", default=[], help="all that is mounted in another")
    add("--tmpfs", metavar="PATH[:OPTIONS]", action="append", default=[], help="an empty folder in memory")
    add("--read-only", action="store_true", help="its root file system can't be written to")
    add("--device", metavar="HOST[:CONTAINER[:rwm]]", action="append", default=[], help="let it use a device")
    add("--device-cgroup-rule", metavar="RULE", action="append", default=[], help="such as: c 10:200 rwm")


def _security_arguments(parser: Parser) -> None:
    add = parser.add_argument_group("security").add_argument
    add("--privileged", action="store_true", help="let it do everything: no user namespace, nothing hidden or filtered")
    add("--cap-add", metavar="CAPABILITY", action="append", default=[], help="give it a capability, or ALL")
    add("--cap-drop", metavar="CAPABILITY", action="append", default=[], help="take a capability away, or ALL")
    add(
        "--security-opt", metavar="OPTION", action="append", default=[],
        help="no-new-privileges, seccomp=unconfined|FILE, apparmor=PROFILE, systempaths=unconfined",
    )  # fmt: skip
    add("--sysctl", metavar="NAME=VALUE", action="append", default=[], help="a kernel parameter of its namespaces")


def _namespace_arguments(parser: Parser) -> None:
    add = parser.add_argument_group("namespaces").add_argument
    add(
        "--userns", metavar="MODE",
        help="auto: its root is nobody outside; host; keep-id: you are the same inside; or a mapping such as "
        "0:100000:65536 [auto]",
    )  # fmt: skip
    add("--pid", metavar="MODE", default="private", help="private, host, container:NAME [private]")
    add("--ipc", metavar="MODE", default="private", help="private, none, host, container:NAME [private]")
    add("--uts", metavar="MODE", default="private", help="private, host [private]")
    add("--cgroupns", metavar="MODE", default="private", help="private, host [private]")
    add("--time-namespace", action="store_true", help="clocks of its own")
    add("--boot-offset", metavar="SECONDS", type=int, default=0, help="added to its time since boot")
