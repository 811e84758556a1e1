"""Docker's words for mounts, devices and limits, as values."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compile import mount_words, notation
from engine.compile.security_words import security
from engine.errors import InvalidRequest
from engine.options import BindMount, DeviceAccess, Security, TmpfsMount, Ulimit, VolumeMount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a:/b", BindMount(source="/a", destination="/b")),
        ("/a:/b:ro", BindMount(source="/a", destination="/b", read_only=True)),
        ("/a:/b:rw,Z,rshared", BindMount(source="/a", destination="/b", propagation="rshared")),
        ("/a/../c:/b:bind,noexec", BindMount(source="/c", destination="/b", recursive=False, flags=("noexec",))),
        ("./x:/b", BindMount(source=str(Path.cwd() / "x"), destination="/b")),
    ],
)
def test_volumes(text: str, expected: BindMount) -> None:
    assert notation.volume(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (":/b", "is not a volume"),
        ("name:", "is not a volume"),
        ("name:/b:noexec", "'noexec' in 'name:/b:noexec' is not an option"),
        ("/a:/b:fast", "'fast' in '/a:/b:fast' is not an option"),
    ],
)
def test_what_is_no_volume_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        notation.volume(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=bind,source=/a,target=/b", BindMount(source="/a", destination="/b")),
        ("type=bind,src=/a,dst=/b,readonly", BindMount(source="/a", destination="/b", read_only=True)),
        (
            "type=bind,src=/a,destination=/b,ro=true,bind-propagation=rslave,bind-recursive=disabled",
            BindMount(source="/a", destination="/b", read_only=True, propagation="rslave", recursive=False),
        ),
        (
            "type=bind,source=/a,target=/b,ro,bind-recursive=writable,consistency=cached",
            BindMount(source="/a", destination="/b", read_only=True, writable_below=True),
        ),
        (
            "type=bind,source=/a,target=/b,readonly=0,bind-nonrecursive",
            BindMount(source="/a", destination="/b", recursive=False),
        ),
        ('type=bind,"source=/a,b",target=/b', BindMount(source="/a,b", destination="/b")),
        ("source=x,target=/b,volume-driver=local", VolumeMount(name="x", destination="/b")),
        ("source=x,target=/b", VolumeMount(name="x", destination="/b")),
        (
            "type=volume,src=x,dst=/b,ro,volume-nocopy=true,volume-subpath=c",
            VolumeMount(name="x", destination="/b", read_only=True, subpath="c", copies=False),
        ),
        ("type=tmpfs,target=/t", TmpfsMount(destination="/t")),
        (
            "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700",
            TmpfsMount(destination="/t", options=("size=1048576", "mode=700")),
        ),
    ],
)
def test_mounts(text: str, expected: BindMount | TmpfsMount | VolumeMount) -> None:
    assert mount_words.mount(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "doesn't say where"),
        ("type=npipe,source=/a,target=/b", "of type npipe are not possible"),
        ("type=bind,target=/b", "has no source"),
        ("type=bind,source=/a", "doesn't say where"),
        ("type=volume,source=x", "doesn't say where"),
        ("source=x,target=/b,tmpfs-size=1m", "'tmpfs-size' in .* is for mounts of type tmpfs"),
        ("source=x,target=/b,bind-propagation=shared", "'bind-propagation' in .* is for mounts of type bind"),
        ("source=x,target=/b,volume-driver=nfs", "no volume driver 'nfs'"),
        ("source=x,target=/b,volume-opt=type=nfs", "no options such as volume-opt=type=nfs"),
        ("type=bind,source=/a,target=/b,colour=red", "'colour' in .* is not an option"),
        ("type=bind,source=/a,target=/b,volume-nocopy", "'volume-nocopy' in .* is for mounts of type volume"),
        ("type=bind,source=/a,target=/b,bind-propagation=up", "bind-propagation=up in .* is not possible"),
        ("type=bind,source=/a,target=/b,bind-recursive=some", "bind-recursive=some in .* is not possible"),
        ("type=bind,source=/a,target=/b,bind-recursive=writable", "is for mounts that are read-only"),
        (
            "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly,bind-propagation=slave",
            "needs bind-propagation=rprivate",
        ),
        ("type=bind,source=/a,target=/b,readonly=perhaps", "readonly=perhaps in .* is not possible"),
        ("type=bind,source=/a,target=/b,consistency=none", "consistency=none in .* is not possible"),
        ("type=tmpfs,target=/t,tmpfs-size=big", "'big' is not a size"),
        ("type=tmpfs,target=/t,tmpfs-mode=9", "tmpfs-mode=9 is not a mode"),
        ("type=tmpfs,source=/a,target=/t", "a tmpfs has no source"),
    ],
)
def test_what_is_no_mount_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        mount_words.mount(text)


def test_tmpfs() -> None:
    assert notation.tmpfs("/t") == TmpfsMount(destination="/t")
    assert notation.tmpfs("/t:size=1m,exec") == TmpfsMount(destination="/t", options=("size=1m", "exec"))
    with pytest.raises(InvalidRequest, match="is not a place"):
        notation.tmpfs(":size=1m")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/dev/fuse", DeviceAccess(source="/dev/fuse", destination="/dev/fuse")),
        ("/dev/fuse:r", DeviceAccess(source="/dev/fuse", destination="/dev/fuse", access="r")),
        ("/dev/fuse:/dev/f", DeviceAccess(source="/dev/fuse", destination="/dev/f")),
        ("/dev/fuse:/dev/f:rm", DeviceAccess(source="/dev/fuse", destination="/dev/f", access="rm")),
    ],
)
def test_devices(text: str, expected: DeviceAccess) -> None:
    assert notation.device(text) == expected


def test_limits_and_kernel_parameters() -> None:
    assert notation.ulimit("nofile=1:2") == Ulimit(name="nofile", soft=1, hard=2)
    assert notation.ulimit("core=-1") == Ulimit(name="core", soft=-1, hard=-1)
    assert notation.sysctl("net.a=1 2") == ("net.a", "1 2")
    for text in ("nofile", "nofile=", "nofile=a", "nofile=1:", "=1:2:3"):
        with pytest.raises(InvalidRequest):
            notation.ulimit(text)
    for text in ("", "x", "=1"):
        with pytest.raises(InvalidRequest):
            notation.sysctl(text)


def test_security_options(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text("{}")
    words = ["no-new-privileges", f"seccomp={file}", "apparmor=mine", "label=disable", "systempaths=unconfined"]
    assert security(Security(), words) == Security(no_new_privileges=True, seccomp="{}", apparmor="mine", unmasked=True)
    assert security(Security(), ["no-new-privileges:true", "seccomp:unconfined"]) == Security(
        no_new_privileges=True, seccomp="unconfined"
    )
    assert not security(Security(), ["no-new-privileges=false"]).no_new_privileges


@pytest.mark.parametrize(
    "word", ["", "seccomp=", "seccomp=/no/such", "apparmor", "magic=1", "systempaths=some", "label"]
)
def test_what_is_no_security_option_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequest):
        security(Security(), [word])
