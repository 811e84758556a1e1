"""``boxdeck rename``: another name for a container, whatever it is doing."""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine


@pytest.mark.parametrize("verb", [("rename",), ("container", "rename")])
def test_a_container_goes_by_its_new_name_only(boxdeck: CommandLine, verb: tuple[str, ...]) -> None:
    box = boxdeck.ok("run", "-d", "--name", "before", "--network", "none", "base", "sleep", "1000")
    hostname = boxdeck.ok("exec", "before", "hostname")
    assert boxdeck.ok(*verb, "before", "after") == ""
    assert boxdeck.names() == ["after"]
    assert boxdeck.ok("inspect", "--format", "{{.Name}}", "after").strip("/") == "after"
    assert "no container 'before'" in boxdeck("exec", "before", "true").sentence
    assert boxdeck.ok("exec", "after", "hostname") == hostname
    boxdeck.ok("stop", "-t", "0", "after")
    boxdeck.ok("rename", box[:12], "third")
    boxdeck.ok("start", "third")
    assert boxdeck.names() == ["third"]
    boxdeck.ok("create", "--name", "before", "base", "true")  # that name is free again
    told = boxdeck("events", "--since", "10m", "--until", "0s", "--filter", "event=rename", "--format", "json").lines
    assert [line.count('"oldName":"before"') for line in told[-2:]] == [1, 0]


def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine) -> None:
    for name in ("one", "two"):
        boxdeck.ok("create", "--name", name, "--network", "none", "base", "true")
    for arguments, words in (
        (("one", "two"), "the name 'two' is in use by another container: choose another name"),
        (("one", "one"), "the container is called one already"),
        (("one", "a/b"), "'a/b' can't be a container's name"),
        (("ghost", "three"), "there is no container 'ghost'"),
        (("one",), "NAME"),
    ):
        answer = boxdeck("rename", *arguments)
        assert answer.status == 125 and words in answer.sentence
    assert sorted(boxdeck.names("-a")) == ["one", "two"]
