"""The whole ``config.json`` of a container."""

from __future__ import annotations

from engine.cgroups.device_rules import DEFAULT_DEVICE_RULES
from engine.compile import capabilities, devices, limits, masks, mounts, namespaces, seccomp, sysctls
from engine.compile.command import absolute, argv, environment
from engine.compile.placement import Placement
from engine.compile.resources import compile_resources
from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig
from engine.oci.linux_spec import Linux
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import OCI_VERSION, Root, Spec
from engine.oci.seccomp_spec import encode as encode_seccomp

INIT_ANNOTATION = "io.boxdeck.init"
_OURS = "io.boxdeck."
_OOM_SCORES = range(-1000, 1001)


def compile_spec(request: ContainerRequest, image: ImageConfig, placement: Placement) -> Spec:
    """The whole ``config.json`` of a container.

    Raises:
        InvalidRequest: a limit, name, path or variable that can't be; nothing to execute.
        Unsupported: what this kernel or our own privileges can't give.
    """
    namespaces.check_modes(request)
    return Spec(
        oci_version=OCI_VERSION,
        root=Root(path="rootfs", readonly=request.read_only),
        process=_process(request, image, placement),
        hostname="" if request.uts == "host" else placement.hostname,
        domainname="" if request.uts == "host" else request.domainname,
        mounts=mounts.mounts(request, placement),
        annotations=_annotations(request),
        linux=_linux(request, placement),
    )


def _linux(request: ContainerRequest, placement: Placement) -> Linux:
    return Linux(
        namespaces=namespaces.namespaces(request, placement),
        uid_mappings=placement.ids.uid_mappings,
        gid_mappings=placement.ids.gid_mappings,
        time_offsets=namespaces.time_offsets(request),
        devices=devices.nodes(request),
        cgroups_path=placement.cgroups_path,
        resources=compile_resources(request.limits, devices.rules(request, DEFAULT_DEVICE_RULES)),
        seccomp_text=encode_seccomp(seccomp.profile(request.security, _capabilities(request, placement))),
        masked_paths=masks.masked(request.security),
        readonly_paths=masks.readonly(request.security),
        sysctl=sysctls.sysctls(request),
    )


def _process(request: ContainerRequest, image: ImageConfig, placement: Placement) -> Process:
    return Process(
        args=argv(request, image),
        cwd=absolute(request.working_dir or image.working_dir or "/"),
        user=placement.user,
        env=environment(request.env, image, placement.home, placement.hostname, request.tty),
        terminal=request.tty,
        capabilities=capabilities.sets(_capabilities(request, placement), placement.user.uid),
        rlimits=limits.rlimits(request.ulimits),
        no_new_privileges=request.security.no_new_privileges,
        apparmor_profile="" if request.security.privileged else request.security.apparmor,
        oom_score_adj=_oom_score(request.oom_score_adj),
    )


def _capabilities(request: ContainerRequest, placement: Placement) -> tuple[str, ...]:
    return capabilities.chosen(request.security, placement.ids.own_user_namespace)


def _annotations(request: ContainerRequest) -> dict[str, str]:
    said = {**request.labels, **request.annotations}
    others = {key: value for key, value in said.items() if not key.startswith(_OURS)}
    return {**others, INIT_ANNOTATION: "true"} if request.init else others


def _oom_score(score: int | None) -> int | None:
    if score is not None and score not in _OOM_SCORES:
        raise InvalidRequest(f"{score} is not an adjustment of the OOM score", "give a number from -1000 to 1000")
    return score
