"""A request compiled to config.json: values in, a value out."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig, Limits
from engine.oci import runtime_spec
from engine.oci.runtime_spec import User
from engine.runtime import spec as compiler
from engine.runtime.rootfs import _split, _unescaped, escaped

IMAGE = ImageConfig(command=("/bin/sh",), env=("PATH=/bin", "LANG=C"), working_dir="/srv")


def placement(**changes: object) -> compiler.Placement:
    fields: dict[str, object] = {
        "container_id": "0123456789abcdef",
        "layers": ("/layers/top", "/layers/bottom"),
        "upper": "/c/upper",
        "work": "/c/work",
        "cgroups_path": "/boxdeck/0123",
        "user": User(uid=0, gid=0),
        "home": "/root",
        "files": {"hosts": "/c/hosts"},
    }
    return compiler.Placement(**{**fields, **changes})  # type: ignore[arg-type]


def compiled(**request: object) -> runtime_spec.Spec:
    wanted = ContainerRequest(image="base", **request)  # type: ignore[arg-type]
    return compiler.compile_spec(wanted, IMAGE, placement())


def kinds(spec: runtime_spec.Spec) -> set[str]:
    assert spec.linux is not None
    return {namespace.type for namespace in spec.linux.namespaces}


def test_every_container_has_six_namespaces_of_its_own() -> None:
    assert kinds(compiled()) == {"mount", "uts", "ipc", "pid", "network", "cgroup"}


def test_the_network_namespace_is_the_hosts_only_when_asked_for() -> None:
    assert "network" not in kinds(compiled(network="host"))
    assert "network" in kinds(compiled(network="none"))


def test_user_and_time_namespaces_come_on_request() -> None:
    assert {"user", "time"} <= kinds(compiled(user_namespace=True, time_namespace=True))


def test_the_root_is_an_overlay_with_the_topmost_layer_first() -> None:
    root = compiled().mounts[0]
    assert (root.destination, root.type) == ("/", "overlay")
    assert root.options == ("lowerdir=/layers/top:/layers/bottom", "upperdir=/c/upper", "workdir=/c/work")


def test_an_id_range_maps_root_to_nobody() -> None:
    wanted = ContainerRequest(image="base", user_namespace=True)
    spec = compiler.compile_spec(wanted, IMAGE, placement(first_id=1_000_000_000))
    assert spec.linux is not None
    (mapping,) = spec.linux.uid_mappings
    assert (mapping.container_id, mapping.host_id, mapping.size) == (0, 1_000_000_000, 65_536)


@pytest.mark.parametrize(
    ("entrypoint", "image", "command", "expected"),
    [
        (None, ImageConfig(command=("sh",)), (), ("sh",)),
        (None, ImageConfig(command=("sh",)), ("ls", "-l"), ("ls", "-l")),
        (None, ImageConfig(entrypoint=("nginx",), command=("-g",)), (), ("nginx", "-g")),
        (None, ImageConfig(entrypoint=("nginx",), command=("-g",)), ("-t",), ("nginx", "-t")),
        (("env",), ImageConfig(entrypoint=("nginx",), command=("-g",)), (), ("env",)),
        (("env",), ImageConfig(entrypoint=("nginx",), command=("-g",)), ("a",), ("env", "a")),
    ],
)
def test_entrypoint_and_command_combine_as_dockers_do(
    entrypoint: tuple[str, ...] | None, image: ImageConfig, command: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    request = ContainerRequest(image="x", entrypoint=entrypoint, command=command)
    assert compiler.argv(request, image) == expected


def test_an_image_without_a_command_needs_one() -> None:
    with pytest.raises(InvalidRequest, match="no command of its own"):
        compiler.argv(ContainerRequest(image="x"), ImageConfig())


def test_variables_of_the_request_win_over_the_images() -> None:
    process = compiled(env=("LANG=de", "EMPTY=")).process
    assert process is not None
    assert {"PATH=/bin", "LANG=de", "EMPTY=", "HOME=/root", "HOSTNAME=0123456789ab"} <= set(process.env)
    assert "LANG=C" not in process.env


@pytest.mark.parametrize("entry", ["", "=x", "NAME", "A=\0"])
def test_what_is_no_variable_is_refused(entry: str) -> None:
    with pytest.raises(InvalidRequest, match="NAME=value"):
        compiled(env=(entry,))


def test_what_a_config_can_t_hold_is_refused() -> None:
    for request in (ContainerRequest(image="x", env=("A=\udcff",)), ContainerRequest(image="x", command=("\udcff",))):
        with pytest.raises(InvalidRequest, match="not text in UTF-8"):
            compiler.require_text(request)


def test_a_relative_working_directory_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not absolute"):
        compiled(working_dir="srv")


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(memory_bytes=1024), "memory limit is too small"),
        (Limits(cpus=0.0), "not a number of CPUs"),
        (Limits(cpus=-1), "not a number of CPUs"),
        (Limits(pids=0), "not a limit of processes"),
    ],
)
def test_limits_that_nobody_can_live_in_are_refused(limits: Limits, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        compiler.compile_resources(limits)


def test_limits_become_the_specifications_units() -> None:
    resources = compiler.compile_resources(Limits(memory_bytes=64 << 20, cpus=1.5, pids=50))
    assert resources.memory is not None and resources.memory.limit == 67_108_864
    assert resources.cpu is not None and (resources.cpu.quota, resources.cpu.period) == (150_000, 100_000)
    assert resources.pids is not None and resources.pids.limit == 50


def test_a_boot_offset_needs_a_time_namespace() -> None:
    with pytest.raises(InvalidRequest, match="needs a time namespace"):
        compiled(boot_offset_seconds=5)


def test_another_user_than_root_has_no_capabilities() -> None:
    assert compiler.default_capabilities(1000).effective == ()
    assert "CAP_CHOWN" in compiler.default_capabilities(0).effective


def test_a_spec_survives_its_file() -> None:
    spec = compiled(user_namespace=True, limits=Limits(memory_bytes=64 << 20))
    assert runtime_spec.decode(runtime_spec.encode(spec)) == spec


def test_unknown_fields_are_ignored_and_wrong_types_are_errors() -> None:
    assert runtime_spec.decode(b'{"ociVersion": "1.2.0", "futureField": 1}').oci_version == "1.2.0"
    with pytest.raises(InvalidRequest, match=r"config\.json is not valid"):
        runtime_spec.decode(b'{"ociVersion": "1.2.0", "hostname": 7}')


def test_the_file_has_the_specifications_field_names() -> None:
    document = msgspec.json.decode(runtime_spec.encode(compiled()))
    assert {"ociVersion", "root", "process", "mounts", "linux", "hostname"} <= set(document)
    assert {"namespaces", "cgroupsPath", "maskedPaths", "readonlyPaths"} <= set(document["linux"])


paths = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(st.lists(paths, min_size=1, max_size=5))
def test_any_folder_names_survive_lowerdir(names: list[str]) -> None:
    lowerdir = ":".join(escaped(name) for name in names)
    assert [_unescaped(part) for part in _split(lowerdir)] == names
