"""``ps``, ``images``, ``stats``, ``info``, ``inspect``: what people and programs read."""

from __future__ import annotations

import json
import os
import re
import subprocess

from engine import __version__
from tests.command_line import CommandLine, eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def test_ps_shows_the_running_and_with_a_all_newest_first(boxdeck: CommandLine) -> None:
    boxdeck("run", "--name", "over", "base", "sh", "-c", "exit 3")
    boxdeck.ok("run", "-d", "--name", "alive", "base", "sleep", "99")
    boxdeck.ok("create", "--name", "idle", "base", "true")
    assert boxdeck.names() == ["alive"]
    rows = boxdeck("ps", "-a", "--format", "json").json
    assert [(row["Names"], row["State"]) for row in rows] == [
        ("idle", "created"), ("alive", "running"), ("over", "exited"),
    ]  # fmt: skip
    assert [row["Status"].split(" ")[0] for row in rows] == ["Created", "Up", "Exited"]
    assert rows[2]["Status"].startswith("Exited (3) ")


def test_ps_is_a_table_like_dockers(boxdeck: CommandLine) -> None:
    container_id = boxdeck.ok("run", "-d", "--name", "tabled", "base", "sh", "-c", "sleep 1000; echo never")
    heading, row = boxdeck("ps").lines
    assert heading.split("   ")[0] == "CONTAINER ID"
    assert re.sub(r" {2,}", "|", heading) == "CONTAINER ID|IMAGE|COMMAND|CREATED|STATUS|PORTS|NAMES"
    cells = re.split(r" {3,}", row)
    assert cells[0] == container_id[:12]
    assert cells[1] == "base"
    assert cells[2] == '"sh -c \'sleep 1000…"'
    assert cells[-1] == "tabled"


def test_ps_on_an_empty_root_is_a_heading_an_empty_list_or_nothing(boxdeck: CommandLine) -> None:
    assert len(boxdeck("ps", "-a").lines) == 1
    assert boxdeck("ps", "-a", "--format", "json").json == []
    assert boxdeck.ok("ps", "-aq") == ""


def test_ps_filters_as_docker_does(boxdeck: CommandLine) -> None:
    boxdeck("run", "--name", "failed", "-l", "tier=web", "base", "sh", "-c", "exit 3")
    boxdeck("run", "--name", "done", "-l", "tier=data", "-l", "old", "base", "true")
    made = boxdeck.ok("create", "--name", "made", "--network", "none", "-l", "tier=web", "-l", "old", "base", "true")
    boxdeck.ok("run", "-d", "--name", "alive", "base", "sleep", "99")

    def found(*filters: str) -> list[str]:
        return boxdeck.names("-a", *(word for each in filters for word in ("--filter", each)))

    assert found("status=exited") == found("ancestor=base", "status=exited") == ["done", "failed"]
    assert found("status=exited", "status=created") == ["made", "done", "failed"]
    assert found("exited=3") == boxdeck.names("--filter", "exited=3") == ["failed"]
    assert found("label=tier") == ["made", "done", "failed"]
    assert found("label=tier=web", "label=old") == ["made"]
    assert found(f"id={made[:9]}") == found("network=none") == ["made"]
    assert found("name=^a|d$") == ["alive", "failed"]
    assert found("before=made") == ["done", "failed"] and found("since=done") == ["alive", "made"]
    assert found("ancestor=other") == []
    assert boxdeck.names("--filter", "name=.") == ["alive"]
    assert boxdeck.names("-n", "2") == ["alive", "made"] and boxdeck.names("-l") == ["alive"]
    for wrong, why in {
        "colour=red": "'colour=red' is not id=",
        "status=idle": "'idle' is no state; there are created, running",
        "exited=x": "'x' is not an exit status",
        "name=(": "'(' is not a regular expression",
        "before=nobody": "there is no container 'nobody' to compare with",
        "publish=http": "'http' is no port of a container's",
        "expose=9-8": "'9-8' is no port of a container's",
    }.items():
        assert why in boxdeck("ps", "--filter", wrong).sentence


def test_ps_filters_by_the_ports_of_containers(boxdeck: CommandLine) -> None:
    boxdeck.ok("commit", "--change", "EXPOSE 9000/udp", boxdeck.ok("create", "base", "true"), "exposing")
    boxdeck.ok("create", "--name", "web", "-p", "127.0.0.1:18080:80", "-p", "18001-18003:8001-8003/udp", "base", "true")
    boxdeck.ok("create", "--name", "shown", "--expose", "80", "exposing", "true")

    def found(*filters: str) -> list[str]:
        return boxdeck.names("-a", *(word for each in filters for word in ("--filter", each)))

    assert found("publish=80/tcp", "publish=9") == found("publish=8003-9000/udp") == ["web"]
    assert found("publish=18080", "publish=80/udp", "publish=9000/udp", "publish=9000") == []
    assert found("expose=80") == ["shown", "web"]
    assert found("expose=9000/udp") == ["shown"] and found("expose=9000") == []


def test_ids_alone(boxdeck: CommandLine) -> None:
    made = [boxdeck.ok("create", "base", "true") for _ in range(3)]
    assert boxdeck.ok("ps", "-aq").split() == [container_id[:12] for container_id in reversed(made)]
    assert boxdeck.ok("ps", "-aq", "--no-trunc").split() == list(reversed(made))
    assert boxdeck.ok("ps", "-q") == ""


def test_a_command_cannot_send_the_terminal_anything(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "sly", "base", "echo", "\x1b[2J\n\x07")
    table = boxdeck.ok("ps", "-a", "--no-trunc")
    assert "\x1b" not in table
    assert "\x07" not in table
    assert len(table.splitlines()) == 2


def test_images_shows_base_with_its_digest_and_size(boxdeck: CommandLine) -> None:
    row = next(row for row in boxdeck("images", "--no-trunc", "--format", "json").json if row["Repository"] == "base")
    assert row["Tag"] == "latest"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", row["ID"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", row["Digest"])
    assert re.fullmatch(r"[\d.]+MB", row["Size"])
    assert boxdeck.ok("images").splitlines()[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert row["ID"][7:19] in boxdeck.ok("images", "-q").split()


def test_inspect_has_dockers_names_and_the_spec_that_init_obeys(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "open", "-e", "A=b", "-w", "/tmp", "--label", "k=v", "base", "sleep", "99")
    found = boxdeck("inspect", "open").json[0]
    assert found["Name"] == "/open"
    assert found["State"]["Status"] == "running"
    assert found["State"]["Running"] is True
    assert os.path.exists(f"/proc/{found['State']['Pid']}")
    assert TIME.fullmatch(found["State"]["StartedAt"])
    assert found["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
    assert found["Config"]["Labels"] == {"k": "v"}
    assert "A=b" in found["Config"]["Env"]
    assert (found["Path"], found["Args"]) == ("sleep", ["99"])
    assert found["Config"]["Cmd"] == ["sleep", "99"]
    assert found["Config"]["Hostname"] == found["Id"][:12]
    assert found["State"]["Dead"] is False
    assert found["HostConfig"]["CgroupParent"] == f"/{boxdeck.paths.cgroup_name}"
    assert found["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] == found["NetworkSettings"]["IPAddress"]
    spec = found["RuntimeSpec"]
    assert spec["process"]["args"] == ["sleep", "99"]
    assert spec["process"]["cwd"] == "/tmp"
    assert {n["type"] for n in spec["linux"]["namespaces"]} == {
        "user",
        "mount",
        "uts",
        "ipc",
        "pid",
        "network",
        "cgroup",
    }
    assert os.path.isdir(found["GraphDriver"]["Data"]["UpperDir"])
    assert os.path.isdir(found["GraphDriver"]["Data"]["LowerDir"].split(":")[0])


def test_inspect_finds_images_too_and_several_at_once(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "box", "base", "true")
    container, image = boxdeck("inspect", "box", "base").json
    assert container["Image"] == image["Id"]
    assert image["RepoTags"] == ["base:latest"]
    assert len(image["RootFS"]["Layers"]) == 1
    assert boxdeck("inspect", "--type", "image", "box").status == 125
    half = boxdeck("inspect", "ghost", "box")
    assert (half.status, [found["Name"] for found in half.json]) == (125, ["/box"])


def test_a_container_is_found_by_the_beginning_of_its_id(boxdeck: CommandLine) -> None:
    container_id = boxdeck.ok("create", "base", "true")
    assert boxdeck("inspect", container_id[:7]).json[0]["Id"] == container_id
    assert boxdeck("inspect", container_id).json[0]["Id"] == container_id


def test_info_and_version(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "base", "true")
    info = boxdeck("info", "--format", "json").json
    assert (info["Containers"], info["ContainersRunning"], info["ContainersStopped"]) == (1, 0, 1)
    assert info["NCPU"] == os.cpu_count()
    assert info["RootDir"] == str(boxdeck.paths.root)
    assert "memory" in info["CgroupControllers"]
    assert boxdeck("info").lines[0] == f"Version:      {__version__}"
    assert boxdeck("version", "--format", "json").json["Version"] == __version__
    assert __version__ in boxdeck.ok("--version")


def test_two_roots_know_nothing_of_each_other(boxdeck: CommandLine, fresh_boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "same", "base", "sleep", "99")
    fresh_boxdeck.ok("run", "-d", "--name", "same", "base", "sleep", "99")
    fresh_boxdeck.ok("rm", "-f", "same")
    assert boxdeck.names() == ["same"]


def test_the_environment_names_the_root_too(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "mine", "base", "true")
    roots = {"BOXDECK_ROOT": str(boxdeck.paths.root), "BOXDECK_RUNROOT": str(boxdeck.paths.runroot)}
    listed = subprocess.run(
        [boxdeck.argv[0], "ps", "-a", "--format", "json"], env={**os.environ, **roots}, capture_output=True, check=True
    )
    assert [row["Names"] for row in json.loads(listed.stdout)] == ["mine"]


def test_output_that_nobody_reads_is_no_error(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "long", "base", "seq", "200000")
    assert eventually(lambda: boxdeck.state("long")["Status"] == "exited")
    ended = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *boxdeck.argv, "logs", "long"], capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"1\n", b"")
