"""``boxdeck inspect``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.cli import inspect_documents as documents
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import VolumeRow
from engine.cli.failure import fail
from engine.cli.formats import rfc3339
from engine.cli.inspect_health import check_document, health_document
from engine.cli.inspect_host import host_config, mounts
from engine.cli.inspect_limits import in_force_document
from engine.cli.inspect_network import network_settings
from engine.cli.network_documents import NetworkDocument, network_of
from engine.cli.output import document_format_argument, show_documents
from engine.cli.templates import Format
from engine.cli.volumes import volume_row
from engine.errors import BoxdeckError, NotFound
from engine.model import Container, Image, ImageConfig, LimitsInForce, State
from engine.network import port_notation
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Spec, decode

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.paths import Paths


class InspectOptions(Options):
    """Options of ``inspect``."""

    references: list[str]
    type: str | None
    format: Format
    size: bool = False


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--type", choices=("container", "image", "network", "volume"), help="only one of these [one after the other]"
    )
    parser.add_argument("-s", "--size", action="store_true", help="also how much a container has written")
    document_format_argument(parser)
    parser.add_argument("references", metavar="NAME", nargs="+", help="names, ids, or beginnings of ids")


def _image_arguments(parser: Parser) -> None:
    _arguments(parser)
    parser.set_defaults(type="image")


async def _inspect(engine: Engine, options: InspectOptions) -> int:
    found: list[_Document] = []
    status, sentences = 0, []
    for reference in options.references:
        try:
            document = await _document(engine, reference, options.type)
            found.append(await _sized(engine, document) if options.size else document)
        except BoxdeckError as error:
            sentences.append(str(error))
            status = error.exit_status
    show_documents(found, options.format)
    for sentence in sentences:
        fail(sentence)
    return status


async def _document(engine: Engine, reference: str, kind: str | None) -> _Document:
    for each, look in _KINDS.items():
        if kind in (None, each):
            try:
                return await look(engine, reference)
            except NotFound:
                if kind == each:
                    raise
    raise NotFound(
        f"there is no container, image, network or volume {reference!r}",
        "see: boxdeck ps -a, boxdeck images, boxdeck network ls and boxdeck volume ls",
    )


async def _image_of(engine: Engine, reference: str) -> documents.ImageDocument:
    return image_document(await engine.images.get(reference))


async def _volume_of(engine: Engine, reference: str) -> VolumeRow:
    return volume_row(await engine.volumes.get(reference))


async def container_of(engine: Engine, reference: str) -> documents.ContainerDocument:
    """Everything that is known of a container, also what binds it now."""
    container = await engine.containers.get(reference)
    try:
        image = (await engine.images.get(container.image_id)).config
    except NotFound:  # taken away with rmi --force
        image = ImageConfig()
    config_json = await engine.containers.runtime_spec(container.id)
    return container_document(container, image, config_json, engine.paths, await _in_force(engine, container))


async def _sized(engine: Engine, document: _Document) -> _Document:
    """A container with its size, and that of all its files; others as they are."""
    if not isinstance(document, documents.ContainerDocument):
        return document
    written = await engine.containers.written_bytes(document.id)
    try:
        image_bytes = (await engine.images.get(document.image)).size_bytes
    except NotFound:  # taken away with rmi --force
        image_bytes = 0
    return replace(document, size_rw=written, size_root_fs=written + image_bytes)


async def _in_force(engine: Engine, container: Container) -> LimitsInForce | None:
    """What binds a container that runs."""
    try:
        return await engine.containers.limits(container.id)
    except BoxdeckError:  # it doesn't run, or not any more
        return None


def container_document(
    container: Container, image: ImageConfig, config_json: bytes, paths: Paths, limits: LimitsInForce | None
) -> documents.ContainerDocument:
    """A container with everything that is known of it.

    Args:
        config_json: its OCI runtime spec, which goes in as it is.
        limits: what binds it, if it runs.
    """
    spec = decode(config_json)
    folder = paths.container(container.id)
    return documents.ContainerDocument(
        id=container.id,
        created=rfc3339(container.created_unix_ns),
        path=container.argv[0] if container.argv else "",
        args=container.argv[1:],
        state=_state(container),
        image=container.image_id,
        log_path=str(paths.log(container.id)),
        hostname_path=str(folder / "hostname"),
        hosts_path=str(folder / "hosts"),
        resolv_conf_path=str(folder / "resolv.conf"),
        name=f"/{container.name}",
        restart_count=container.automatic_restarts,
        host_config=host_config(container, spec),
        limits_in_force=in_force_document(limits) if limits is not None else None,
        graph_driver=_graph_driver(container, spec, paths),
        app_armor_profile=spec.process.apparmor_profile if spec.process is not None else "",
        mounts=mounts(container, spec),
        warnings=container.warnings,
        config=_config(container, image, spec),
        network_settings=network_settings(container.endpoints, port_notation.in_force(container)),
        runtime_spec=msgspec.Raw(config_json),
    )


def _state(container: Container) -> documents.StateDocument:
    return documents.StateDocument(
        status=container.state.value,
        running=container.is_running or container.state is State.RESTARTING,  # as docker has it
        paused=container.state is State.PAUSED,
        restarting=container.state is State.RESTARTING,
        dead=container.state is State.DEAD,
        oom_killed=container.oom_killed,
        pid=container.pid or 0,
        exit_code=container.exit_status or 0,
        error=container.error,
        started_at=rfc3339(container.started_unix_ns),
        finished_at=rfc3339(container.finished_unix_ns),
        health=health_document(container.health),
    )


def _graph_driver(container: Container, spec: Spec, paths: Paths) -> documents.GraphDriver:
    options = [option for mount in spec.mounts if mount.destination == "/" for option in mount.options]
    lower = next((o.partition("=")[2] for o in options if o.startswith("lowerdir=")), "")
    return documents.GraphDriver(
        data=documents.GraphDriverData(
            lower_dir=lower, upper_dir=str(paths.upper(container.id)), work_dir=str(paths.work(container.id))
        )
    )


def _config(container: Container, image: ImageConfig, spec: Spec) -> documents.ConfigDocument:
    request = container.request
    entrypoint = image.entrypoint if request.entrypoint is None else request.entrypoint
    process = spec.process or Process(cwd="/")
    streams = request.attach or ("stdout", "stderr", "stdin" if request.interactive else "")
    return documents.ConfigDocument(
        hostname=spec.hostname,
        domainname=spec.domainname,
        user=request.user if request.user is not None else f"{process.user.uid}:{process.user.gid}",
        attach_stdin="stdin" in streams,
        attach_stdout="stdout" in streams,
        attach_stderr="stderr" in streams,
        tty=request.tty,
        open_stdin=request.interactive,
        env=process.env,
        cmd=container.argv[len(entrypoint) :],
        image=request.image,
        working_dir=process.cwd,
        entrypoint=entrypoint,
        healthcheck=check_document(container.health_check),
        labels=request.labels,
        stop_signal=request.stop_signal or image.stop_signal,
    )


def image_document(image: Image) -> documents.ImageDocument:
    """An image with everything that is known of it."""
    repositories = {reference.rpartition(":")[0] for reference in image.references}
    return documents.ImageDocument(
        id=image.id,
        repository_tags=image.references,
        repository_digests=tuple(sorted(f"{name}@{image.manifest_digest}" for name in repositories)),
        created=rfc3339(image.created_unix_ns),
        architecture=image.architecture,
        size=image.size_bytes,
        config=_image_config(image.config),
        root_filesystem=documents.RootFilesystemDocument(layers=image.layers),
    )


def _image_config(config: ImageConfig) -> documents.ImageConfigDocument:
    return documents.ImageConfigDocument(
        user=config.user,
        env=config.env,
        cmd=config.command,
        entrypoint=config.entrypoint,
        healthcheck=check_document(config.health_check),
        working_dir=config.working_dir,
        labels=config.labels,
        stop_signal=config.stop_signal,
    )


_Document = documents.ContainerDocument | documents.ImageDocument | NetworkDocument | VolumeRow
_KINDS: dict[str, Callable[[Engine, str], Awaitable[_Document]]] = {
    "container": container_of,
    "image": _image_of,
    "network": network_of,
    "volume": _volume_of,
}

INSPECT = Command(InspectOptions, _arguments, with_engine(_inspect))
IMAGE_INSPECT = Command(InspectOptions, _image_arguments, with_engine(_inspect))
