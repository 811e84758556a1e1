"""``boxdeck events``: what happened, and what happens."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError

import msgspec
import pytest

from engine.cli.moments import moment
from tests.command_line import CommandLine, eventually


def test_what_happened_is_told_in_order(boxdeck: CommandLine) -> None:
    since = time.time()
    container = boxdeck.ok("run", "-d", "--name", "short", "base", "false")
    boxdeck.ok("wait", "short")
    lines = boxdeck.ok("events", "--since", f"{since:.6f}", "--until", "0s").splitlines()
    assert [line.split()[1:4] for line in lines] == [
        ["container", action, container] for action in ("create", "start", "die")
    ]
    assert lines[-1].endswith("(image=base, name=short, exitCode=1)")


def test_programs_get_dockers_documents(boxdeck: CommandLine) -> None:
    since = time.time()
    container = boxdeck.ok("create", "--name", "made", "--label", "tier=front", "base", "true")
    out = boxdeck.ok("events", "--since", f"{since:.6f}", "--until", "0s", "--format", "json")
    document = msgspec.json.decode(out)
    assert (document["Type"], document["Action"], document["Actor"]["ID"]) == ("container", "create", container)
    assert document["Actor"]["Attributes"] == {"name": "made", "image": "base", "tier": "front"}
    assert document["timeNano"] // 10**9 == document["time"] >= int(since)
    template = "{{.Action}} {{.Actor.Attributes.name}} {{.TimeNano}}"
    out = boxdeck.ok("events", "--since", f"{since:.6f}", "--until", "0s", "--format", template)
    assert out == f"create made {document['timeNano']}"


def test_filters_of_one_key_are_choices_and_of_several_are_conditions(boxdeck: CommandLine) -> None:
    since = time.time()
    for name in ("first", "second"):
        boxdeck.ok("run", "--name", name, "--label", f"rank={name}", "--label", "all", "base", "true")

    def told(*filters: str) -> list[str]:
        options = [word for each in filters for word in ("--filter", each)]
        template = "{{.Action}} {{.Actor.Attributes.name}}"
        times = ("--since", f"{since:.6f}", "--until", "0s")
        return boxdeck.ok("events", *times, "--format", template, *options).splitlines()

    assert told("event=die") == ["die first", "die second"]
    assert told("event=die", "container=second") == ["die second"]
    assert told("event=die", "event=create", "container=first") == ["create first", "die first"]
    assert told("event=die", "label=rank") == ["die first", "die second"]
    assert told("event=die", "label=rank=second", "label=all") == ["die second"]
    assert told("event=die", "label=rank=second", "label=rank=first") == []
    assert told("event=die", "image=base", "container=first") == ["die first"]
    assert told("image=bas") == []
    assert told("type=image") == []
    assert "'colour=red' is not type=" in boxdeck("events", "--filter", "colour=red").sentence


def test_networks_and_volumes_tell_who_uses_them(boxdeck: CommandLine) -> None:
    since = time.time()
    boxdeck.ok("volume", "create", "data")
    boxdeck.ok("volume", "create", "data")
    network = boxdeck.ok("network", "create", "lab")
    container = boxdeck.ok("create", "--name", "web", "--network", "none", "base", "true")
    boxdeck.ok("network", "connect", "lab", "web")
    boxdeck.ok("network", "disconnect", "lab", "web")
    boxdeck.ok("network", "rm", "lab")
    boxdeck.ok("volume", "rm", "data")

    def told(kind: str, *filters: str) -> list[list[str]]:
        options = [word for each in (f"type={kind}", *filters) for word in ("--filter", each)]
        times = ("--since", f"{since:.6f}", "--until", "0s")
        return [line.split(maxsplit=4)[2:] for line in boxdeck.ok("events", *times, *options).splitlines()]

    on_it = f"(type=bridge, name=lab, container={container})"
    assert told("network") == [
        ["create", network, "(type=bridge, name=lab)"],
        ["connect", network, on_it],
        ["disconnect", network, on_it],
        ["destroy", network, "(type=bridge, name=lab)"],
    ]
    assert told("network", "network=lab", "event=connect") == [["connect", network, on_it]]
    assert told("volume", "volume=data") == [
        ["create", "data", "(driver=local)"],
        ["destroy", "data", "(driver=local)"],
    ]


def test_what_came_of_a_health_check_is_part_of_the_action_as_with_docker(boxdeck: CommandLine) -> None:
    since = time.time()
    boxdeck.ok(
        "run", "-d", "--name", "well", "--health-cmd", "true", "--health-interval", "0.1s", "base", "sleep", "99"
    )
    assert eventually(lambda: boxdeck.state("well")["Health"]["Status"] == "healthy")

    def told(which: str) -> list[str]:
        times = ("--since", f"{since:.6f}", "--until", "0s")
        return boxdeck.ok("events", *times, "--filter", f"event={which}", "--format", "{{.Action}}").splitlines()

    assert told("health_status")[-1] == "health_status: healthy"
    assert told("health_status: healthy") == ["health_status: healthy"]


@pytest.mark.vm
def test_running_out_of_memory_and_of_processes_is_told(boxdeck: CommandLine) -> None:
    since = time.time()
    boxdeck("run", "--name", "eater", "-m", "16m", "base", "sh", "-c", "x=x; while :; do x=$x$x; done")
    boxdeck("run", "--name", "forks", "--pids-limit", "3", "base", "sh", "-c", "sleep 1 & sleep 1 & sleep 1 & sleep 1")
    template = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.detail}}"
    choices = ("--filter", "event=oom", "--filter", "event=limit", "--format", template)
    told = boxdeck.ok("events", "--since", f"{since:.6f}", "--until", "0s", *choices).splitlines()
    assert any(line.startswith("oom eater 1 killed") for line in told)
    assert "limit forks pids" in told


def test_events_are_told_as_they_happen_and_until_then(boxdeck: CommandLine) -> None:
    watching = boxdeck.start("events", "--until", f"{time.time() + 6:.3f}", "--format", "{{.Action}}")
    assert watching.stdout is not None
    time.sleep(1.5)  # it has no word for "I'm listening"
    boxdeck.ok("create", "--name", "made", "base", "true")
    assert watching.stdout.readline() == b"create\n"
    boxdeck.ok("rm", "made")
    assert watching.stdout.readline() == b"destroy\n"
    watching.communicate(timeout=30)
    assert watching.returncode == 0


@pytest.mark.parametrize(
    ("text", "seconds_ago"), [("10m", 600), ("1h30m", 5400), ("1.5s", 1.5), ("-10m", 600), ("0s", 0)]
)
def test_times_ago(text: str, seconds_ago: float) -> None:
    assert abs(moment(text) / 1e9 - (time.time() - seconds_ago)) < 2


def test_times_of_day() -> None:
    assert moment("1706695200") == 1706695200 * 10**9
    assert moment("2024-01-31T10:00:00Z") == 1706695200 * 10**9
    assert moment("2024-01-31T12:00:00+02:00") == 1706695200 * 10**9


@pytest.mark.parametrize("text", ["", "soon", "10x", "m", "1m1h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a time"):
        moment(text)
