"""A request compiled to config.json: values in, a value out."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.compile import capabilities, id_maps
from engine.compile.command import argv, require_text
from engine.compile.placement import Ids, Placement
from engine.compile.resources import compile_resources
from engine.compile.spec import compile_spec
from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig, Limits
from engine.oci import runtime_spec
from engine.oci.linux_spec import Namespace
from engine.oci.process_spec import User
from engine.options import BindMount, DeviceAccess, Security, TmpfsMount, Ulimit
from engine.runtime.overlay import _split, _unescaped, escaped
from engine.runtime.userns import host_id

IMAGE = ImageConfig(command=("/bin/sh",), env=("PATH=/bin", "LANG=C"), working_dir="/srv")


def placement(**changes: object) -> Placement:
    fields: dict[str, object] = {
        "container_id": "0123456789abcdef",
        "layers": ("/layers/top", "/layers/bottom"),
        "upper": "/c/upper",
        "work": "/c/work",
        "cgroups_path": "/boxdeck/0123",
        "user": User(uid=0, gid=0),
        "home": "/root",
        "hostname": "0123456789ab",
        "files": {"hosts": "/c/hosts"},
    }
    return Placement(**{**fields, **changes})  # type: ignore[arg-type]


SHIFTED = Ids(uid_mappings=id_maps.whole_range(1_000_000_000), gid_mappings=id_maps.whole_range(1_000_000_000))


def compiled(ids: Ids = Ids(), **request: object) -> runtime_spec.Spec:  # noqa: B008  # it is frozen
    wanted = ContainerRequest(image="base", **request)  # type: ignore[arg-type]
    return compile_spec(wanted, IMAGE, placement(ids=ids))


def kinds(spec: runtime_spec.Spec) -> set[str]:
    assert spec.linux is not None
    return {namespace.type for namespace in spec.linux.namespaces}


def test_every_container_has_six_namespaces_of_its_own() -> None:
    assert kinds(compiled()) == {"mount", "uts", "ipc", "pid", "network", "cgroup"}


def test_the_network_namespace_is_the_hosts_only_when_asked_for() -> None:
    assert "network" not in kinds(compiled(network="host"))
    assert "network" in kinds(compiled(network="none"))


def test_a_user_namespace_comes_with_ids_and_a_time_namespace_on_request() -> None:
    assert {"user", "time"} <= kinds(compiled(SHIFTED, time_namespace=True))


def test_the_root_is_an_overlay_with_the_topmost_layer_first() -> None:
    root = compiled().mounts[0]
    assert (root.destination, root.type) == ("/", "overlay")
    assert root.options == ("lowerdir=/layers/top:/layers/bottom", "upperdir=/c/upper", "workdir=/c/work")


def test_an_id_range_maps_root_to_nobody() -> None:
    spec = compiled(SHIFTED)
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
    assert argv(request, image) == expected


def test_an_image_without_a_command_needs_one() -> None:
    with pytest.raises(InvalidRequest, match="no command of its own"):
        argv(ContainerRequest(image="x"), ImageConfig())


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
            require_text(request)


def test_a_relative_working_directory_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not absolute"):
        compiled(working_dir="srv")


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(memory_bytes=1024), "memory limit is too small"),
        (Limits(cpus=0.0), "not a number of CPUs"),
        (Limits(cpus=-2), "not a number of CPUs"),
        (Limits(pids=0), "not a limit of processes"),
    ],
)
def test_limits_that_nobody_can_live_in_are_refused(limits: Limits, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        compile_resources(limits)


def test_limits_become_the_specifications_units() -> None:
    resources = compile_resources(Limits(memory_bytes=64 << 20, cpus=1.5, pids=50))
    assert resources.memory is not None and resources.memory.limit == 67_108_864
    assert resources.cpu is not None and (resources.cpu.quota, resources.cpu.period) == (150_000, 100_000)
    assert resources.pids is not None and resources.pids.limit == 50


def test_a_boot_offset_needs_a_time_namespace() -> None:
    with pytest.raises(InvalidRequest, match="needs a time namespace"):
        compiled(boot_offset_seconds=5)


def test_another_user_than_root_has_no_capabilities() -> None:
    names = capabilities.chosen(Security(), own_user_namespace=True)
    assert capabilities.sets(names, 1000).effective == ()
    assert "CAP_CHOWN" in capabilities.sets(names, 0).effective


def test_a_spec_survives_its_file() -> None:
    spec = compiled(SHIFTED, limits=Limits(memory_bytes=64 << 20))
    assert spec.linux is not None and spec.linux.seccomp is not None
    read = runtime_spec.decode(runtime_spec.encode(spec))
    assert read.linux is not None and read.linux.seccomp == spec.linux.seccomp
    assert replace(read, linux=replace(read.linux, seccomp_text=spec.linux.seccomp_text)) == spec


def test_unknown_fields_are_ignored_and_wrong_types_are_errors() -> None:
    assert runtime_spec.decode(b'{"ociVersion": "1.2.0", "futureField": 1}').oci_version == "1.2.0"
    with pytest.raises(InvalidRequest, match=r"config\.json is not valid"):
        runtime_spec.decode(b'{"ociVersion": "1.2.0", "hostname": 7}')


def test_the_file_has_the_specifications_field_names() -> None:
    document = msgspec.json.decode(runtime_spec.encode(compiled()))
    assert {"ociVersion", "root", "process", "mounts", "linux", "hostname"} <= set(document)
    assert {"namespaces", "cgroupsPath", "maskedPaths", "readonlyPaths"} <= set(document["linux"])


# Capabilities


def bounding(own: bool = True, **said: object) -> set[str]:
    return set(capabilities.chosen(Security(**said), own))  # type: ignore[arg-type]


def test_the_default_capabilities_are_fewer_than_dockers_and_never_inheritable() -> None:
    assert bounding() < bounding(own=False) <= set(capabilities.DEFAULT)
    assert "CAP_MKNOD" not in bounding(own=False)
    process = compiled().process
    assert process is not None and process.capabilities is not None and process.capabilities.inheritable == ()


def test_capabilities_are_added_and_dropped_as_docker_does() -> None:
    assert bounding(cap_drop=("all",)) == set()
    assert bounding(cap_drop=("ALL",), cap_add=("net_admin", "CAP_CHOWN")) == {"CAP_NET_ADMIN", "CAP_CHOWN"}
    assert bounding(cap_drop=("chown",)) == bounding() - {"CAP_CHOWN"}
    assert bounding(cap_add=("ALL",), cap_drop=("SYS_ADMIN",)) == bounding(privileged=True) - {"CAP_SYS_ADMIN"}


def test_a_capability_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'FLY' is not a capability"):
        bounding(cap_add=("FLY",))


# Mounts


def mount_at(spec: runtime_spec.Spec, destination: str) -> runtime_spec.Mount:
    (found,) = [mount for mount in spec.mounts if mount.destination == destination]
    return found


def test_what_the_request_mounts_takes_the_place_of_our_own_and_outer_ones_come_first() -> None:
    spec = compiled(
        binds=(
            BindMount(source="/etc/hosts", destination="/srv/a/hosts"),
            BindMount(source="/tmp", destination="/srv"),
        ),
        tmpfs=(TmpfsMount(destination="/dev/shm", options=("exec", "size=1m")),),
    )
    others = [mount.destination for mount in spec.mounts if not mount.destination.startswith("/etc/")]
    assert others[-3:] == ["/srv", "/dev/shm", "/srv/a/hosts"]
    assert set(mount_at(spec, "/dev/shm").options) == {"nosuid", "nodev", "exec", "size=1m"}


def test_a_containers_own_files_are_on_top_of_what_is_mounted_on_their_folder() -> None:
    for options in (
        {"binds": (BindMount(source="/tmp", destination="/etc"),)},
        {"tmpfs": (TmpfsMount(destination="/etc"),)},
    ):
        places = [mount.destination for mount in compiled(**options).mounts]
        assert places.index("/etc") < places.index("/etc/hosts")
    own = (BindMount(source="/etc/passwd", destination="/etc/hosts"), BindMount(source="/tmp", destination="/etc"))
    places = [mount.destination for mount in compiled(binds=own).mounts]
    assert places.count("/etc/hosts") == 1 and places.index("/etc") < places.index("/etc/hosts")


def test_a_bind_mount_is_recursive_private_and_idmapped_where_that_is_possible() -> None:
    binds = (BindMount(source="/tmp", destination="/data", read_only=True),)
    assert mount_at(compiled(binds=binds), "/data").options == ("rbind", "rprivate", "rro")
    ids = Ids(uid_mappings=SHIFTED.uid_mappings, gid_mappings=SHIFTED.gid_mappings, idmap={"/tmp": "ridmap"})
    assert "ridmap" in mount_at(compiled(ids, binds=binds), "/data").options


@pytest.mark.parametrize(
    ("bind", "sentence"),
    [
        (BindMount(source="tmp", destination="/x"), "the source 'tmp' is not an absolute path"),
        (BindMount(source="/tmp", destination="x"), "the destination 'x' is not an absolute path"),
        (BindMount(source="/tmp", destination="/.."), "nothing can be mounted on /"),
        (BindMount(source="/no/such", destination="/x"), "there is no /no/such"),
    ],
)
def test_mounts_that_can_t_be_are_refused(bind: BindMount, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        compiled(binds=(bind,))


def test_two_mounts_for_one_place_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="two mounts"):
        compiled(tmpfs=(TmpfsMount(destination="/x"), TmpfsMount(destination="/x/")))


def test_shm_has_the_size_that_is_asked_for_or_is_not_there() -> None:
    assert "size=1024k" in mount_at(compiled(shm_size_bytes=1 << 20), "/dev/shm").options
    assert "/dev/shm" not in [mount.destination for mount in compiled(ipc="none").mounts]


def test_who_doesn_t_own_a_namespace_gets_the_hosts_view_of_it() -> None:
    assert mount_at(compiled(SHIFTED, network="host"), "/sys").type == "bind"
    assert mount_at(compiled(SHIFTED, pid="host"), "/proc").type == "bind"
    assert mount_at(compiled(SHIFTED, cgroupns="host"), "/sys/fs/cgroup").type == "bind"
    assert mount_at(compiled(network="host", pid="host"), "/sys").type == "sysfs"


# Namespaces


def test_namespaces_are_shared_with_the_host_as_asked() -> None:
    shared = compiled(pid="host", ipc="host", uts="host", cgroupns="host", network="host")
    assert kinds(shared) == {"mount"} and shared.hostname == ""


def test_a_joined_namespace_has_a_stand_in_for_its_path() -> None:
    linux = compiled(network=f"container:{'a' * 64}").linux
    assert linux is not None
    assert linux.namespace("network") == Namespace(type="network", path=f"container:{'a' * 64}/ns/net")


@pytest.mark.parametrize("wish", [{"pid": "mine"}, {"network": "container:"}, {"uts": "container:x"}, {"ipc": ""}])
def test_namespaces_that_there_are_not_are_refused(wish: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="choose one of"):
        compiled(**wish)  # type: ignore[arg-type]


# Privileges


def test_a_privileged_container_has_everything() -> None:
    spec = compiled(security=Security(privileged=True))
    assert spec.linux is not None and spec.process is not None and spec.process.capabilities is not None
    assert spec.linux.masked_paths == spec.linux.readonly_paths == ()
    assert spec.linux.seccomp is None
    assert "CAP_SYS_ADMIN" in spec.process.capabilities.effective
    assert "ro" not in mount_at(spec, "/sys").options
    assert any(rule.allow and rule.type is None and rule.major is None for rule in spec.linux.resources.devices)


def test_devices_are_made_and_allowed() -> None:
    spec = compiled(devices=(DeviceAccess(source="/dev/full", destination="/dev/mine", access="r"),))
    assert spec.linux is not None
    (node,) = spec.linux.devices
    assert (node.path, node.type, node.major, node.minor) == ("/dev/mine", "c", 1, 7)
    assert (spec.linux.resources.devices[-1].access, spec.linux.resources.devices[-1].minor) == ("r", 7)


def test_what_is_no_device_is_refused() -> None:
    for source, sentence in (("/etc/passwd", "is not a device"), ("/dev/nothing", "can't be had")):
        with pytest.raises(InvalidRequest, match=sentence):
            compiled(devices=(DeviceAccess(source=source, destination=source),))


@pytest.mark.parametrize("rule", ["", "c", "x 1:3 rwm", "c 1:3 rrr", "c -1:3 r", "c 1:3"])
def test_what_is_no_rule_for_devices_is_refused(rule: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a rule for devices"):
        compiled(device_rules=(rule,))


def test_limits_of_processes_become_the_specifications() -> None:
    process = compiled(ulimits=(Ulimit(name="nofile", soft=10, hard=20), Ulimit(name="core", soft=-1, hard=-1))).process
    assert process is not None
    assert [(limit.type, limit.soft, limit.hard) for limit in process.rlimits] == [
        ("RLIMIT_NOFILE", 10, 20),
        ("RLIMIT_CORE", (1 << 64) - 1, (1 << 64) - 1),
    ]


@pytest.mark.parametrize("ulimit", [("files", 1, 1), ("nofile", 2, 1), ("nofile", -2, 1)])
def test_limits_that_can_t_be_are_refused(ulimit: tuple[str, int, int]) -> None:
    name, soft, hard = ulimit
    with pytest.raises(InvalidRequest, match="limit"):
        compiled(ulimits=(Ulimit(name=name, soft=soft, hard=hard),))


@pytest.mark.parametrize(
    ("name", "wish", "sentence"),
    [
        ("vm.swappiness", {}, "whole machine's"),
        ("kernel.hostname", {}, "whole machine's"),
        ("net.ipv4.ip_forward", {"network": "host"}, "isn't the container's own"),
        ("kernel.shmmax", {"ipc": "host"}, "isn't the container's own"),
        ("net..x", {}, "not a kernel parameter"),
        ("net/../../x", {}, "not a kernel parameter"),
    ],
)
def test_kernel_parameters_of_others_are_refused(name: str, wish: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        compiled(sysctls={name: "1"}, **wish)  # type: ignore[arg-type]


# Ids


def test_a_kept_id_is_the_same_inside_and_out_and_the_others_are_nobodys() -> None:
    maps = id_maps.keeping(1000, 2_000_000)
    assert [host_id(maps, inside) for inside in (0, 999, 1000, 1001, 65_535, 65_536)] == [
        2_000_000, 2_000_999, 1000, 2_001_001, 2_065_535, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "some", "0:1", "0:1:0", "1:2:3", "0:0:5,3:100:5", "0:0:5,9:3:5", "0:0:9999999999"]
)
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        id_maps.parse(text)


def test_a_mapping_may_have_several_parts() -> None:
    maps = id_maps.parse("0:100000:1000,1000:1000:1")
    assert [host_id(maps, inside) for inside in (0, 999, 1000, 1001)] == [100_000, 100_999, 1000, None]


paths = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(st.lists(paths, min_size=1, max_size=5))
def test_any_folder_names_survive_lowerdir(names: list[str]) -> None:
    lowerdir = ":".join(escaped(name) for name in names)
    assert [_unescaped(part) for part in _split(lowerdir)] == names
