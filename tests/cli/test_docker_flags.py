"""Flags that people bring with them from docker."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from engine.cli.attach_options import detach_keys
from engine.cli.command import parser_of
from engine.cli.layers import COMMIT
from engine.model.request import STOP_SECONDS
from tests.command_line import PROGRAM, CommandLine
from tests.conftest import needs_root
from tests.docker_table import README, written

DEAF = ("sh", "-c", "trap '' TERM; trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done")


def started(boxdeck: CommandLine, *options: str) -> None:
    boxdeck.ok("run", "-d", "--name", "deaf", *options, "base", *DEAF)
    while boxdeck.ok("logs", "deaf") != "ready":
        time.sleep(0.05)


def test_variables_and_labels_come_from_files_and_the_command_line_wins(boxdeck: CommandLine, tmp_path: Path) -> None:
    variables, labels = tmp_path / "env", tmp_path / "labels"
    variables.write_text("# mine\nCOLOUR=red\n\nSIZE=a b=c\n")
    labels.write_text("tier=web\nold\n")
    script = 'echo "$COLOUR $SIZE"'
    said = boxdeck.ok("run", "--rm", "--env-file", str(variables), "-e", "COLOUR=blue", "base", "sh", "-c", script)
    assert said == "blue a b=c"
    boxdeck.ok("run", "-d", "--name", "one", "--label-file", str(labels), "-l", "tier=data", "base", "sleep", "1000")
    assert boxdeck.ok("ps", "--format", "{{.Labels}}") == "tier=data,old="
    noted = boxdeck.ok("create", "--annotation", "note=1", "-l", "tier=x", "base", "true")
    shown = boxdeck.ok("inspect", "-f", "{{json .HostConfig.Annotations}} {{json .RuntimeSpec.annotations}}", noted)
    assert shown == '{"note":"1"} {"tier":"x","note":"1"}'
    assert boxdeck.ok("exec", "--env-file", str(variables), "one", "sh", "-c", script) == "red a b=c"
    variables.write_text("fine=1\n=2\n")
    refused = boxdeck("run", "--env-file", str(variables), "base", "true")
    assert f"line 2 of {variables}: '=2' has no name" in refused.sentence
    assert "/nowhere can't be read (No such file" in boxdeck("run", "--env-file", "/nowhere", "base", "true").sentence


def test_the_id_goes_into_a_new_file_that_stays_only_with_its_container(boxdeck: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "cid"
    made = boxdeck.ok("create", "--cidfile", str(path), "base", "true")
    assert path.read_text() == made
    assert "is there already" in boxdeck("run", "--cidfile", str(path), "base", "true").sentence
    path.unlink()
    assert boxdeck("run", "--cidfile", str(path), "base", "/nothing").status == 127
    assert not path.exists()


def test_how_long_and_by_which_signal_it_is_stopped(boxdeck: CommandLine) -> None:
    started(boxdeck, "--stop-timeout", "0")
    began = time.monotonic()
    boxdeck.ok("stop", "deaf")
    assert boxdeck.state("deaf")["ExitCode"] == 137 and time.monotonic() - began < STOP_SECONDS
    boxdeck.ok("rm", "deaf")
    started(boxdeck, "--stop-timeout", "-1")
    boxdeck.ok("stop", "-s", "USR1", "deaf")
    assert boxdeck.state("deaf")["ExitCode"] == 5
    boxdeck.ok("rm", "deaf")
    started(boxdeck)
    boxdeck.ok("restart", "--timeout", "0", "deaf")
    assert boxdeck.state("deaf")["Running"]
    assert "SIGNONE" in boxdeck("stop", "-s", "SIGNONE", "deaf").sentence and boxdeck.state("deaf")["Running"]


def test_detach_keys_are_dockers_words() -> None:
    assert detach_keys("ctrl-p,ctrl-q") == b"\x10\x11"
    assert detach_keys("ctrl-@,a,ctrl-[") == b"\0a\x1b"
    assert detach_keys("") == b""
    for wrong in ("ctrl-1", "alt-x", "ab", "ctrl-p,"):
        with pytest.raises(ArgumentTypeError, match="is no key"):
            detach_keys(wrong)


def test_readme_has_the_table_of_today() -> None:
    text = README.read_text()
    assert written(text) == text, "write it anew: python -m tests.docker_table"


def test_restart_policies_are_set_shown_and_changed(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "again", "--restart", "on-failure:1", "base", "sh", "-c", "exit 4")
    while boxdeck.names("--filter", "status=exited") != ["again"]:
        time.sleep(0.1)
    document = boxdeck("inspect", "again").json[0]
    assert document["RestartCount"] == 1 and document["State"]["ExitCode"] == 4
    assert document["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 1}
    boxdeck.ok("update", "--restart", "always", "again")
    assert boxdeck("inspect", "again").json[0]["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert boxdeck.ok("system", "restore") == "again"
    boxdeck.ok("stop", "-t", "0", "again")
    assert "'often' is no restart policy" in boxdeck("run", "--restart", "often", "base", "true").sentence
    assert "can't be restarted" in boxdeck("run", "--rm", "--restart", "always", "base", "true").sentence


def test_a_unit_for_systemd_restores_this_root(boxdeck: CommandLine) -> None:
    unit = boxdeck.ok("system", "restore", "--unit")
    roots = f"--root {boxdeck.paths.root} --runroot {boxdeck.paths.runroot}"
    assert f"boxdeck {roots} system restore" in unit and "WantedBy=multi-user.target" in unit


def test_the_unit_is_one_that_systemd_understands_from_wherever_it_is_printed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze isn't installed: apt-get install systemd")
    file, program = tmp_path / "boxdeck.service", Path(PROGRAM)
    roots = CommandLine(tmp_path / 'a folder 100% "mine"').argv[1:]
    words = (f"./{program.name}", *roots, "system", "restore", "--unit")
    with file.open("w") as unit:
        subprocess.run(words, stdout=unit, check=True, cwd=program.parent)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    assert f'ExecStart={program} --root "{tmp_path}/a folder 100%% \\"mine\\"/root" --runroot' in file.read_text()


def test_health_is_shown_filtered_and_acted_on(boxdeck: CommandLine) -> None:
    times = ("--health-interval", "200ms", "--health-retries", "1")
    boxdeck.ok("run", "-d", "--name", "well", "--health-cmd", "echo fine", *times, "base", "sleep", "1000")
    while boxdeck.names("--filter", "health=healthy") != ["well"]:
        time.sleep(0.1)
    assert "(healthy)" in boxdeck.ok("ps")
    document = boxdeck("inspect", "well").json[0]
    health = document["State"]["Health"]
    assert (health["Status"], health["FailingStreak"], health["Log"][0]["Output"]) == ("healthy", 0, "fine\n")
    assert document["Config"]["Healthcheck"]["Test"] == ["CMD", "/bin/sh", "-c", "echo fine"]
    assert document["Config"]["Healthcheck"]["Interval"] == 200_000_000
    boxdeck.ok(
        "run", "-d", "--name", "ill", "--health-cmd", "false", "--on-unhealthy", "kill", *times, "base", "sleep", "99"
    )
    while boxdeck.names("-a", "--filter", "exited=137") != ["ill"]:
        time.sleep(0.1)
    assert "'soon' is not a time such as 30s" in boxdeck("run", "--health-interval", "soon", "base", "true").sentence
    assert "no health check to act on" in boxdeck("run", "--on-unhealthy", "stop", "base", "true").sentence


def test_only_the_streams_that_are_asked_for_are_attached(boxdeck: CommandLine) -> None:
    both = ("base", "sh", "-c", "echo out; echo err >&2; exit 3")
    for options, out, err in (("-a", "STDOUT"), "out\n", ""), (("-a", "stderr", "-i"), "", "err\n"):
        answer = boxdeck("run", "--rm", *options, *both)
        assert (answer.status, answer.out, answer.err) == (3, out, err)
    told = boxdeck.ok("run", "-i", "-a", "stdin", "--name", "fed", "base", "sh", "-c", "cat; exit 4", input="a word")
    assert boxdeck.ok("wait", "fed") == "4" and boxdeck.ok("logs", "fed") == "a word"
    assert boxdeck("inspect", "fed").json[0]["Id"] == told
    early = boxdeck.start("run", "-i", "-a", "stdin", "--name", "hasty", "base", "sh", "-c", "exit 4")
    assert early.wait(timeout=30) == 0 and boxdeck.ok("wait", "hasty") == "4"  # however early it ends
    assert "contradict each other" in boxdeck("run", "-d", "-a", "stdout", *both).sentence
    assert "give -i, too" in boxdeck("run", "-a", "stdin", *both).sentence
    assert "'in' is no stream" in boxdeck("run", "-a", "in", *both).sentence


def test_what_is_mounted_in_another_is_mounted_here_unless_something_else_is(
    boxdeck: CommandLine, tmp_path: Path
) -> None:
    boxdeck.ok("create", "--name", "first", "-v", "mine:/data", "-v", f"{tmp_path}:/host", "base", "true")
    boxdeck.ok("run", "--name", "second", "--volumes-from", "first", "base", "touch", "/data/x", "/host/x")
    assert (tmp_path / "x").exists()
    assert boxdeck.ok("inspect", "-f", "{{.HostConfig.VolumesFrom}}", "second") == "[first]"
    script = "ls /data /host; touch /data/y || echo no"
    options = ("--volumes-from", "second:ro", "--tmpfs", "/host")
    assert boxdeck("run", "--rm", *options, "base", "sh", "-c", script).out.split() == ["/data:", "x", "/host:", "no"]
    assert boxdeck("volume", "inspect", "mine").json[0]["UsedBy"] == ["second", "first"]
    assert "there is no container 'third'" in boxdeck("run", "--volumes-from", "third", "base", "true").sentence
    assert "'first:rx' names no container" in boxdeck("run", "--volumes-from", "first:rx", "base", "true").sentence
    boxdeck.ok("rm", "-v", "first", "second")
    boxdeck.ok("volume", "rm", "mine")


@pytest.mark.parametrize("verb", ["run", "create"])
@pytest.mark.parametrize(
    ("option", "cause", "remedy"),
    [
        (["--cgroup-parent", "mine"], "below one of Boxdeck's", "--memory"),
        (["--link=db:database"], "find each other by name", "--network-alias"),
        (["--storage-opt", "size=1G"], "the limits of the disk", "--tmpfs"),
        (["--runtime", "runsc"], "its own runtime", "boxdeck-oci"),
        (["--gpus", "all"], "drivers aren't brought", "--device"),
        (["--disable-content-trust"], "signatures of images", "leave it out"),
    ],
)
def test_what_can_not_be_had_is_refused_by_name(
    boxdeck: CommandLine, verb: str, option: list[str], cause: str, remedy: str
) -> None:
    refused = boxdeck(verb, *option, "base", "true")
    assert refused.status == 125 and boxdeck.names("-a") == []
    name = option[0].partition("=")[0]
    assert f"{name} can't be had" in refused.sentence and cause in refused.sentence and remedy in refused.sentence
    assert name not in boxdeck.ok(verb, "--help")


def test_options_of_volume_drivers_are_refused_by_name(boxdeck: CommandLine) -> None:
    for option in ("--opt", "-o"):
        refused = boxdeck("volume", "create", option, "type=tmpfs", "mine")
        assert refused.status == 125 and boxdeck("volume", "ls", "-q").out == ""
        assert "--opt can't be had: volumes are folders" in refused.sentence and "-v" in refused.sentence
    assert "--opt" not in boxdeck.ok("volume", "create", "--help")


def test_create_notes_which_streams_were_named(boxdeck: CommandLine) -> None:
    shown = "{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}}"
    for options, expected in (
        ([], "false true true"),
        (["-i"], "true true true"),
        (["-a", "stdout"], "false true false"),
        (["-i", "-a", "STDIN", "--attach=stderr"], "true false true"),
    ):
        made = boxdeck.ok("create", *options, "base", "echo", "all")
        assert boxdeck.ok("inspect", "-f", shown, made) == expected
        assert boxdeck.ok("start", "-a", made) == "all"
    assert "-a stdin needs" in boxdeck("create", "-a", "stdin", "base", "true").sentence
    assert "'stdlog' is no stream" in boxdeck("create", "-a", "stdlog", "base", "true").sentence


def test_switches_take_docker_s_words_for_yes_and_no(boxdeck: CommandLine) -> None:
    script = ("sh", "-c", 'touch /x 2>/dev/null || echo "read-only $*"', "sh", "--rm=false", "--init=banana")
    said = boxdeck.ok("run", "--rm=true", "--init=0", "--read-only=T", "-d=false", "base", *script)
    assert said == "read-only --rm=false --init=banana"
    assert boxdeck.names("-a") == []
    boxdeck.ok("run", "--rm=false", "-d=1", "--name=kept", "base", "true")
    assert boxdeck.names("-a=true") == ["kept"]
    refused = boxdeck("run", "--rm=banana", "base", "true")
    assert "argument --rm: 'banana' is neither true nor false" in refused.sentence


@pytest.mark.parametrize(("flag", "paused"), [("--pause", True), ("--pause=false", False), ("--no-pause", False)])
def test_a_commit_has_its_container_stand_still_or_not(boxdeck: CommandLine, flag: str, paused: bool) -> None:
    parser = parser_of(COMMIT, "boxdeck commit", "")
    assert parser.parse_args([flag, "one", "made:1"], COMMIT.options()).pause is paused
