"""What a container changed, and which layer every file comes from."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.command_line import CommandLine

SCRIPT = "rm /usr/bin/ls; echo x > /etc/new; mkdir -p /opt/a; touch /opt/a/b; chmod 711 /root; echo y >> /etc/passwd"


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_diff_shows_what_was_added_changed_and_removed(boxdeck: CommandLine, userns: str) -> None:
    boxdeck.ok("run", "--name", "changed", "--userns", userns, "base", "sh", "-c", SCRIPT)
    assert boxdeck.ok("diff", "changed").splitlines() == [
        "C /etc", "A /etc/new", "C /etc/passwd", "C /opt", "A /opt/a", "A /opt/a/b", "C /root",
        "C /usr", "C /usr/bin", "D /usr/bin/ls",
    ]  # fmt: skip
    own, base = boxdeck("image", "layers", "--format", "json", "changed").json
    assert (own["Added"], own["Changed"], own["Removed"]) == ("3", "2", "1")
    assert base["Changed"] == "0"
    assert [row["Layer"] for row in boxdeck("image", "which", "--format", "json", "changed", "/etc/passwd").json] == [
        "2",
        "1",
    ]


def test_a_running_container_s_layer_is_live(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "live", "base", "sleep", "1000")
    assert boxdeck.ok("diff", "live") == ""
    boxdeck.ok("exec", "live", "touch", "/tmp/x")
    assert boxdeck.ok("diff", "live").splitlines() == ["C /tmp", "A /tmp/x"]
    assert "/tmp/x" in boxdeck.ok("image", "tree", "live", "/tmp")


def test_what_nobody_sees_is_listed(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "changed", "base", "sh", "-c", "rm /usr/bin/ls; echo y >> /etc/passwd")
    rows = boxdeck("image", "waste", "--format", "json", "changed").json
    assert [(row["Path"], row["Layers"]) for row in rows] == [("/usr/bin/ls", "1, 2"), ("/etc/passwd", "1, 2")]
    assert boxdeck.ok("image", "waste", "-q", "changed").splitlines() == ["/usr/bin/ls", "/etc/passwd"]
    last = boxdeck.ok("image", "waste", "changed").splitlines()[-1]
    assert "wasted, efficiency 9" in last
    assert boxdeck.ok("image", "waste", "base").splitlines()[-1] == "0B wasted, efficiency 100.0 %"


def test_an_image_s_tree_is_shown(boxdeck: CommandLine) -> None:
    rows = boxdeck("image", "tree", "--format", "json", "-L", "0", "base", "/etc").json
    assert {"Kind": "-", "Size": "0B", "Layer": "1", "Path": "/etc/hosts"} in rows


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "nothing"), "no container"),
        (("image", "layers", "nothing"), "no image"),
        (("image", "which", "base", "/nowhere"), "no layer has /nowhere"),
        (("image", "tree", "-L", "x", "base"), "not a number of levels"),
        (("image",), "required"),
    ],
)
def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    answer = boxdeck(*arguments)
    assert answer.status == 125 and words in answer.sentence


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_what_a_container_changed_becomes_an_image(boxdeck: CommandLine, userns: str) -> None:
    boxdeck.ok("run", "-d", "--name", "worker", "--userns", userns, "base", "sleep", "1000")
    boxdeck.ok("exec", "worker", "sh", "-c", "mkdir /opt/a; chown 33:44 /opt/a; rm /usr/bin/ls; echo hello > /etc/new")
    image = boxdeck.ok("commit", "-m", "made", "-c", 'CMD ["cat", "/etc/new"]', "worker", "made:1")
    assert boxdeck.ok("run", "--rm", "made:1") == "hello"
    script = "stat -c '%u:%g' /opt/a; command -v ls || echo gone"
    assert boxdeck.ok("run", "--rm", "made:1", "sh", "-c", script).splitlines() == ["33:44", "gone"]
    assert boxdeck("history", "--format", "json", image).json[0]["Comment"] == "made"
    assert boxdeck.state("worker")["Running"]
    assert "can't be understood" in boxdeck("commit", "-c", "RUN x", "worker").sentence
    boxdeck.ok("rmi", "made:1")


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_the_files_of_a_container_go_out_and_come_back(boxdeck: CommandLine, userns: str, tmp_path: Path) -> None:
    boxdeck.ok("run", "--name", "source", "--userns", userns, "base", "sh", "-c", f"{SCRIPT}; chown 33:44 /opt/a")
    path = tmp_path / "files.tar"
    boxdeck.ok("export", "-o", str(path), "source")
    with tarfile.open(path) as archive:
        assert (archive.getmember("opt/a").uid, archive.getmember("opt/a").gid) == (33, 44)
        assert archive.getmember("usr/bin/sh").uid == 0
        assert "usr/bin/ls" not in archive.getnames()
    boxdeck.ok("import", str(path), "back:1")
    assert boxdeck.ok("run", "--rm", "back:1", "cat", "/etc/new") == "x"
    boxdeck.ok("rmi", "back:1")
