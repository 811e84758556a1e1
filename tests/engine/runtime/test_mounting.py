"""Mounts of a config.json, seen from inside."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.errors import BoxdeckError
from engine.linux import mounts, namespaces
from engine.oci.linux_spec import IdMapping
from engine.oci.runtime_spec import Mount
from engine.runtime import file_system_mount
from tests.engine.runtime.box import DEV, FIRST_ID, PROC, Bundle, linux, mount, needs_root, options_of

pytestmark = [pytest.mark.vm, needs_root]


def folder_with(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def bind(destination: str, source: object, *options: str, **fields: object) -> Mount:
    return mount(destination, "bind", "bind", *options, source=str(source), **fields)


# Where mounts go


def test_mounts_are_made_in_the_order_of_the_spec(bundle: Bundle) -> None:
    spec = bundle.spec(mount("/a", "tmpfs"), mount("/a/b", "tmpfs", "mode=700"), mount("/a/b/c", "tmpfs"), PROC)
    assert bundle.run(spec, lambda: stat.S_IMODE(os.stat("/a/b").st_mode)) == 0o700
    assert bundle.run(spec, lambda: options_of("/a/b/c") != "")


def test_two_binds_of_one_place_are_both_there_the_later_on_top(bundle: Bundle) -> None:
    first, second = (folder_with(bundle.folder / name, who=name) for name in ("first", "second"))
    spec = bundle.spec(bind("/here", first), bind("/here", second))

    def probe() -> list[str]:
        seen = [Path("/here/who").read_text()]
        mounts.unmount("/here")
        return [*seen, Path("/here/who").read_text()]

    assert bundle.run(spec, probe) == ["second", "first"]


@pytest.mark.parametrize("user", [False, True])
def test_file_systems_that_are_made_before_ids_are_mapped_are_as_any(bundle: Bundle, user: bool) -> None:
    sysfs = mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro")
    spec = bundle.spec(PROC, sysfs, mount("/tmp", "tmpfs"), linux=linux(user=user))

    def probe() -> list[object]:
        owners = [os.stat(path).st_uid for path in ("/proc", "/proc/self/fd", "/sys", "/sys/class/net")]
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
        return [options_of("/proc"), options_of("/sys"), os.listdir("/sys/class/net"), owners, pids,
                len(file_system_mount.prepared)]  # fmt: skip

    made_anew = bundle.run(spec, probe)

    def require_two(_: int) -> None:
        assert [each.kind for each in file_system_mount.prepared] == ["proc", "sysfs"]

    bundle.prepares = True
    assert bundle.run(spec, probe, before=require_two) == made_anew
    assert isinstance(made_anew, list)
    assert (made_anew[2], made_anew[4:]) == (["lo"], [["1"], 0])


def test_a_source_is_relative_to_the_bundle(bundle: Bundle) -> None:
    folder_with(bundle.folder / "data", who="bundle")
    assert bundle.run(bundle.spec(bind("/data", "data")), lambda: Path("/data/who").read_text()) == "bundle"


def test_a_destination_without_slash_begins_at_the_root(bundle: Bundle) -> None:
    folder_with(bundle.folder / "data", who="here")
    assert bundle.run(bundle.spec(bind("some/where", "data")), lambda: Path("/some/where/who").read_text()) == "here"


@pytest.mark.parametrize("user", [False, True])
def test_missing_destinations_belong_to_root_of_the_container(bundle: Bundle, user: bool) -> None:
    (bundle.folder / "file").write_text("text")
    spec = bundle.spec(bind("/made/here/file", "file"), mount("/other/made", "tmpfs"), linux=linux(user=user))
    assert bundle.run(spec, lambda: [os.stat("/made").st_uid, stat.S_IMODE(os.stat("/made").st_mode)]) == [0, 0o755]
    for name in ("made", "made/here", "made/here/file", "other"):
        assert (bundle.root / name).stat().st_uid == (FIRST_ID if user else 0)


def test_links_on_the_way_are_followed_inside(bundle: Bundle) -> None:
    (bundle.root / "var").mkdir()
    (bundle.root / "var/run").symlink_to("/run")  # and there is no /run
    (bundle.root / "up").symlink_to("../../../inside")
    folder_with(bundle.folder / "data", who="data")
    spec = bundle.spec(bind("/var/run/data", "data"), bind("/up", "data"))
    assert bundle.run(spec, lambda: [Path(p).read_text() for p in ("/run/data/who", "/inside/who")]) == ["data", "data"]
    assert not Path("/inside").exists()


def test_a_file_goes_on_a_file_and_a_folder_on_a_folder(bundle: Bundle) -> None:
    (bundle.folder / "file").write_text("text")
    folder_with(bundle.folder / "folder")
    (bundle.root / "a-folder").mkdir()
    (bundle.root / "a-file").write_text("")
    assert bundle.run(bundle.spec(bind("/a-file", "file")), lambda: Path("/a-file").read_text()) == "text"
    with pytest.raises(BoxdeckError, match=r"on /a-folder \(Is a directory\)"):
        bundle.run(bundle.spec(bind("/a-folder", "file")), lambda: None)
    with pytest.raises(BoxdeckError, match=r"on /a-file \(.*Not a directory\)"):
        bundle.run(bundle.spec(bind("/a-file", "folder")), lambda: None)


def test_a_source_that_isn_t_there_is_named(bundle: Bundle) -> None:
    with pytest.raises(BoxdeckError, match=r"/nowhere can't be mounted on /x \(no such file or directory\)"):
        bundle.run(bundle.spec(bind("/x", "/nowhere")), lambda: None)


# Attributes


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("ro",), "ro"),
        (("nosuid", "nodev", "noexec"), "rw,nosuid,nodev,noexec"),
        (("noatime", "nodiratime"), "rw,noatime,nodiratime"),
        (("noatime", "relatime"), "rw,relatime"),
        (("ro", "rw", "nosuid", "suid"), "rw"),
        (("nosymfollow",), "nosymfollow"),
        (("defaults", "silent", "iversion", "async"), "rw"),
    ],
)
@pytest.mark.parametrize("kind", ["bind", "tmpfs", "tmpfs made ahead", "ramfs"])
def test_attributes(bundle: Bundle, kind: str, options: tuple[str, ...], shown: str) -> None:
    options = (*options, "mode=700") if "ahead" in kind else options
    kind = kind.partition(" ")[0]
    folder_with(bundle.folder / "data")
    wanted = bind("/x", "data", *options) if kind == "bind" else mount("/x", kind, *options)
    if kind == "ramfs":
        wanted = mount("/x", kind, *(option for option in options if option != "async"))
    found = str(bundle.run(bundle.spec(wanted, PROC), lambda: options_of("/x")))
    assert set(shown.split(",")) <= set(found.split(maxsplit=1)[0].split(",")), found


@pytest.mark.parametrize("name", ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow"])
def test_recursive_attributes_count_for_mounts_below(bundle: Bundle, name: str) -> None:
    """A bind of a tree that has a tmpfs in it; made in the box itself, since nothing is mounted on the host."""
    spec = bundle.spec(PROC, mount("/t", "tmpfs"), mount("/t/below", "tmpfs", f"r{name}"), mount("/u", "tmpfs", name))

    def probe() -> list[bool]:
        return [name in options_of(point).split()[0].split(",") for point in ("/t", "/t/below", "/u")]

    assert bundle.run(spec, probe) == [False, True, True]


def test_a_tree_is_read_only_as_a_whole_with_rro_and_at_its_top_with_ro(bundle: Bundle) -> None:
    for option, expected in (("ro", [True, False]), ("rro", [True, True])):
        spec = bundle.spec(PROC, mount("/tree", "bind", "rbind", option, source="/dev"))
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        below = next(point for point in points if point.startswith("/dev/"))

        def probe(below: str = below) -> list[bool]:
            return [options_of(point).startswith("ro") for point in ("/tree", "/tree" + below.removeprefix("/dev"))]

        assert bundle.run(spec, probe) == expected


def test_what_is_mounted_can_be_changed_by_remount(bundle: Bundle) -> None:
    wanted = (mount("/x", "tmpfs", "size=64k"), mount("/x", "tmpfs", "remount", "size=128k", "noexec"))
    found = str(bundle.run(bundle.spec(PROC, *wanted), lambda: options_of("/x")))
    assert "size=128k" in found and "noexec" in found and str(found).count("tmpfs") == 2
    wanted = (mount("/x", "tmpfs"), mount("/x", "", "remount", "bind", "ro"))
    assert str(bundle.run(bundle.spec(PROC, *wanted), lambda: options_of("/x"))).startswith("ro")


def test_the_root_itself_can_be_changed_by_remount(bundle: Bundle) -> None:
    spec = bundle.spec(PROC, mount("/", "", "remount", "bind", "nosuid", "noexec"))
    assert str(bundle.run(spec, lambda: options_of("/"))).startswith("rw,nosuid,noexec")


def test_an_option_that_the_file_system_doesn_t_know_is_refused_with_the_kernels_words(bundle: Bundle) -> None:
    with pytest.raises(BoxdeckError, match=r"tmpfs can't be mounted on /x .*Unknown parameter 'frobnicate'"):
        bundle.run(bundle.spec(mount("/x", "tmpfs", "frobnicate=1")), lambda: None)
    with pytest.raises(BoxdeckError, match="'frobnicate' is not an option of a bind mount"):
        bundle.run(bundle.spec(bind("/x", "/tmp", "frobnicate")), lambda: None)
    with pytest.raises(BoxdeckError, match=r"nosuchfs can't be mounted on /x \(.*No such device"):
        bundle.run(bundle.spec(mount("/x", "nosuchfs")), lambda: None)
    with pytest.raises(BoxdeckError, match="the mount on /x has no type"):
        bundle.run(bundle.spec(mount("/x", "")), lambda: None)


# Propagation


@pytest.mark.parametrize(
    ("option", "shown"),
    [("", ""), ("private", ""), ("rprivate", ""), ("shared", "shared:"), ("rshared", "shared:"),
     ("unbindable", "unbindable"), ("runbindable", "unbindable")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_propagation(bundle: Bundle, kind: str, option: str, shown: str) -> None:
    folder_with(bundle.folder / "data")
    options = (option,) if option else ()
    wanted = bind("/x", "data", *options) if kind == "bind" else mount("/x", "tmpfs", *options)
    found = str(bundle.run(bundle.spec(PROC, wanted), lambda: options_of("/x")))
    assert found.split()[1].startswith(shown or "-")


# tmpfs


def test_a_tmpfs_has_the_mode_of_the_folder_that_it_covers(bundle: Bundle) -> None:
    (bundle.root / "x").mkdir()
    (bundle.root / "x").chmod(0o2750)
    spec = bundle.spec(mount("/x", "tmpfs"), mount("/y", "tmpfs"), mount("/x/z", "tmpfs", "mode=0711"))
    modes = bundle.run(spec, lambda: [stat.S_IMODE(os.stat(path).st_mode) for path in ("/x", "/y", "/x/z")])
    assert modes == [0o2750, 0o1777, 0o711]


@pytest.mark.parametrize("options", [(), ("ro",), ("mode=700",)])
def test_tmpcopyup_begins_with_what_the_image_has(bundle: Bundle, options: tuple[str, ...]) -> None:
    home = bundle.root / "home"
    (home / "anna").mkdir(parents=True)
    (home / "anna/file").write_text("text" * 1000)
    os.chown(home / "anna/file", 12, 34)
    (home / "anna/file").chmod(0o4755)
    os.setxattr(home / "anna/file", "trusted.colour", b"red")
    os.utime(home / "anna/file", ns=(10**9, 2 * 10**9))
    (home / "link").symlink_to("/etc/passwd")
    os.mkfifo(home / "pipe")
    os.chown(home, 5, 6)
    home.chmod(0o751)
    spec = bundle.spec(mount("/home", "tmpfs", "tmpcopyup", *options), PROC)

    def probe() -> list[object]:
        found = os.stat("/home/anna/file")
        return [
            len(Path("/home/anna/file").read_text()), oct(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns,
            os.getxattr("/home/anna/file", "trusted.colour").decode(), os.readlink("/home/link"),
            stat.S_ISFIFO(os.stat("/home/pipe").st_mode), os.stat("/home").st_uid, oct(os.stat("/home").st_mode),
            options_of("/home")[:2],
        ]  # fmt: skip

    expected = [4000, "0o104755", 12, 34, 2 * 10**9, "red", "/etc/passwd", True]
    expected += [0, "0o40700"] if options == ("mode=700",) else [5, "0o40751"]
    expected.append("ro" if options == ("ro",) else "rw")
    assert bundle.run(spec, probe) == expected
    assert (home / "anna/file").stat().st_uid == 12  # and the image is as it was


# Ids


def owners(*paths: str) -> list[int]:
    return [os.stat(path).st_uid for path in paths]


@pytest.mark.parametrize("option", ["idmap", "ridmap"])
def test_files_of_an_idmapped_bind_keep_their_owner(bundle: Bundle, option: str) -> None:
    data = folder_with(bundle.folder / "data", roots="", annas="")
    os.chown(data / "annas", 1000, 1000)
    spec = bundle.spec(bind("/data", data, option, "rbind"), linux=linux(user=True))

    def probe() -> list[int]:
        Path("/data/new").write_text("")
        return owners("/data/roots", "/data/annas", "/data/new")

    assert bundle.run(spec, probe) == [0, 1000, 0]
    assert (data / "new").stat().st_uid == 0
    plain = bundle.spec(bind("/data", data), linux=linux(user=True))
    assert bundle.run(plain, lambda: owners("/data/roots")) == [65534]


def test_a_mount_may_have_mappings_of_its_own(bundle: Bundle) -> None:
    data = folder_with(bundle.folder / "data", file="")
    own = (IdMapping(container_id=0, host_id=7000, size=1000),)
    spec = bundle.spec(bind("/data", data, "idmap", uid_mappings=own, gid_mappings=own))
    assert bundle.run(spec, lambda: owners("/data/file")) == [7000]


def test_mapped_ids_need_a_mapping(bundle: Bundle) -> None:
    with pytest.raises(BoxdeckError, match="/x is to have its ids mapped, but there is no mapping"):
        bundle.run(bundle.spec(bind("/x", "/tmp", "idmap")), lambda: None)
    half = (IdMapping(container_id=0, host_id=7000, size=1000),)
    with pytest.raises(BoxdeckError, match="needs both uidMappings and gidMappings"):
        bundle.run(bundle.spec(bind("/x", "/tmp", "idmap", uid_mappings=half)), lambda: None)


def test_a_file_system_that_can_t_map_ids_is_named(bundle: Bundle) -> None:
    with pytest.raises(BoxdeckError, match="the file system of /sys can't show files with mapped ids"):
        bundle.run(bundle.spec(bind("/x", "/sys", "idmap"), linux=linux(user=True)), lambda: None)


# The kernel's own file systems


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("user", [False, True])
def test_kernel_file_systems_are_those_of_the_namespaces(bundle: Bundle, user: bool, ahead: bool) -> None:
    bundle.makes_ahead = ahead
    wanted = (
        PROC, DEV, mount("/dev/pts", "devpts", "newinstance", "ptmxmode=0666"), mount("/dev/mqueue", "mqueue"),
        mount("/sys", "sysfs", "ro", "nosuid"), mount("/sys/fs/cgroup", "cgroup", "ro"),
    )  # fmt: skip

    def probe() -> list[object]:
        listed = [os.listdir(path) for path in ("/sys/class/net", "/dev/mqueue", "/dev/pts")]
        return [os.readlink("/proc/self"), *listed, len(os.listdir("/sys/fs/cgroup")) > 0,
                options_of("/sys/fs/cgroup")[:2], options_of("/sys")[:2]]  # fmt: skip

    answer = bundle.run(bundle.spec(*wanted, linux=linux(user=user)), probe)
    assert answer == ["1", ["lo"], [], ["ptmx"], True, "ro", "ro"]


@pytest.mark.parametrize("user", [False, True])
def test_with_the_hosts_namespaces_its_own_file_systems_are_shown(bundle: Bundle, user: bool) -> None:
    shared = linux(user=user, without=("pid", "network", "ipc", "cgroup"))
    wanted = (
        PROC, mount("/sys", "sysfs", "ro"), mount("/sys/fs/cgroup", "cgroup", "ro", "nosuid"),
    )  # fmt: skip
    pid = os.getpid()

    def probe() -> list[object]:
        return [os.path.isdir(f"/proc/{pid}"), os.path.isdir("/sys/class/net"), options_of("/sys").split()[0][:2],
                options_of("/sys/fs/cgroup").split()[0][:2], len(os.listdir("/sys/fs/cgroup")) > 0]  # fmt: skip

    assert bundle.run(bundle.spec(*wanted, linux=shared), probe) == [True, True, "ro", "ro", True]


def test_a_procfs_that_may_not_be_mounted_isn_t_replaced_by_the_hosts(bundle: Bundle) -> None:
    """A user namespace may mount a procfs only where it sees a full one; the host's processes are no substitute."""
    spec = bundle.spec(PROC, linux=linux(user=True))
    pid = os.fork()
    if pid == 0:
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount("tmpfs", "/proc/fs", "tmpfs")
        try:
            bundle.run(spec, lambda: None)
        except BoxdeckError as error:
            os._exit(7 if "proc can't be mounted on /proc" in str(error) else 1)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_an_overlay_may_be_mounted_anywhere(bundle: Bundle) -> None:
    lower = folder_with(bundle.folder / "lower", who="lower")
    for name in ("upper", "work"):
        folder_with(bundle.folder / name)
    options = (f"lowerdir={lower}", f"upperdir={bundle.folder / 'upper'}", f"workdir={bundle.folder / 'work'}")
    spec = bundle.spec(mount("/x", "overlay", *options))
    assert bundle.run(spec, lambda: [Path("/x/who").read_text(), Path("/x/new").write_text("new")]) == ["lower", 3]
    assert (bundle.folder / "upper/new").read_text() == "new"
