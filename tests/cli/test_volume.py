"""Volumes: files that outlive containers, filled from the image at first, and kept while somebody uses them."""

from __future__ import annotations

from pathlib import Path

from tests.command_line import CommandLine


def names(boxdeck: CommandLine, *options: str) -> list[str]:
    return boxdeck.ok("volume", "ls", "-q", *options).split()


def sh(boxdeck: CommandLine, script: str, *options: str) -> str:
    return boxdeck.ok("run", "--rm", *options, "base", "sh", "-c", script)


def test_files_outlive_containers_and_belong_to_the_same_users_inside(boxdeck: CommandLine) -> None:
    sh(boxdeck, "echo kept > /data/file; chown 1000:33 /data/file", "-v", "kept:/data")
    assert sh(boxdeck, "cat /data/file; stat -c '%u %g' /data/file", "-v", "kept:/data:ro") == "kept\n1000 33"
    assert "Read-only" in boxdeck("run", "--rm", "-v", "kept:/d:ro", "base", "touch", "/d/x").err
    mount = "type=volume,source=kept,target=/other,readonly"
    assert sh(boxdeck, "ls /other; touch /other/x || echo no", "--mount", mount).split() == ["file", "no"]
    assert names(boxdeck) == ["kept"]
    assert boxdeck.ok("volume", "rm", "kept") == "kept" and names(boxdeck) == []


def test_an_empty_volume_gets_what_the_image_has_there(boxdeck: CommandLine) -> None:
    assert "os-release" in sh(boxdeck, "ls /etc", "-v", "etc:/etc")
    sh(boxdeck, "rm /etc/os-release; ls -ld /etc", "-v", "etc:/etc")
    assert "os-release" not in sh(boxdeck, "ls /copy", "-v", "etc:/copy")
    assert sh(boxdeck, "ls /etc | wc -l", "-v", "plain:/etc:nocopy") in ("0", "3")  # hosts, hostname, resolv.conf
    assert sh(boxdeck, "stat -c %a /root", "-v", "home:/root") == "700"
    for name in ("etc", "plain", "home"):
        boxdeck.ok("volume", "rm", name)


def test_one_in_use_stays(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "user", "-v", "mine:/data", "base", "true")
    assert "the volume mine is in use by user" in boxdeck("volume", "rm", "mine").sentence
    assert boxdeck("volume", "inspect", "mine").json[0]["UsedBy"] == ["user"]
    for value, found in ("mine", ["user"]), ("/data/", ["user"]), ("other", []):
        assert boxdeck.names("-a", "-f", f"volume={value}") == found
    assert boxdeck.ok("ps", "-a", "--format", "{{.Mounts}} {{.LocalVolumes}}", "-f", "status=created") == "mine 1"
    assert boxdeck.names("-a", "-f", "status=dead") == []
    (mount,) = boxdeck("inspect", "user").json[0]["Mounts"]
    assert (mount["Type"], mount["Name"], mount["Destination"]) == ("volume", "mine", "/data")
    assert "Local Volumes 1 1" in boxdeck.ok("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}")
    assert boxdeck.ok("volume", "prune", "-a", "-f").startswith("Total reclaimed space: 0B")
    boxdeck.ok("rm", "user")
    assert boxdeck.ok("volume", "prune", "-f").startswith("Total reclaimed space: 0B")
    assert boxdeck.ok("volume", "prune", "-a", "-f").splitlines()[0] == "mine"
    assert "there is no volume 'mine'" in boxdeck("volume", "rm", "mine").sentence
    assert boxdeck("volume", "rm", "-f", "mine").status == 0


def test_unnamed_ones_go_with_their_container_where_that_is_wanted(boxdeck: CommandLine) -> None:
    sh(boxdeck, "touch /data/x", "-v", "/data")
    assert names(boxdeck) == []
    boxdeck.ok("create", "--name", "one", "-v", "/data", "base", "true")
    (unnamed,) = names(boxdeck)
    assert len(unnamed) == 64 and names(boxdeck, "--filter", "dangling=true") == []
    boxdeck.ok("rm", "one")
    assert names(boxdeck, "--filter", "dangling=true") == [unnamed]
    boxdeck.ok("volume", "prune", "-f")
    boxdeck.ok("create", "--name", "two", "-v", "/data", "base", "true")
    boxdeck.ok("rm", "-v", "two")
    assert names(boxdeck) == []


def test_made_by_hand_with_labels_and_looked_at(boxdeck: CommandLine) -> None:
    assert boxdeck.ok("volume", "create", "--label", "tier=data", "named") == "named"
    assert boxdeck.ok("volume", "create", "named") == "named"
    assert len(boxdeck.ok("volume", "create")) == 64
    assert names(boxdeck, "--filter", "label=tier=data") == names(boxdeck, "--filter", "name=nam") == ["named"]
    document = boxdeck("volume", "inspect", "named").json[0]
    assert document["Labels"] == {"tier": "data"} and Path(document["Mountpoint"]).is_dir()
    Path(document["Mountpoint"], "sub").mkdir()
    mount = "type=volume,source=named,target=/d,volume-subpath=sub"
    sh(boxdeck, "touch /d/inside", "--mount", mount)
    assert Path(document["Mountpoint"], "sub", "inside").exists()
    wrong = "type=volume,source=named,target=/d,volume-subpath=../.."
    assert "has no '../..' in it" in boxdeck("run", "--rm", "--mount", wrong, "base", "true").sentence
    assert "can't be the name of a volume" in boxdeck("volume", "create", "no/slash").sentence
    assert boxdeck.ok("volume", "inspect", "-f", "{{.Name}} {{json .Labels}}", "named") == 'named {"tier":"data"}'
    assert boxdeck("inspect", "named").json == boxdeck("inspect", "--type", "volume", "named").json
    assert "choose from" in boxdeck("volume", "create", "-d", "nfs", "far").err
    lines = boxdeck.ok("system", "prune", "--volumes", "-f").splitlines()
    assert lines[0] == "Deleted Volumes:" and len(lines[1]) == 64 and names(boxdeck) == ["named"]
    boxdeck.ok("volume", "prune", "-a", "-f")
    assert boxdeck.names("-a") == []
