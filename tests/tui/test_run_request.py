"""What is typed into the run form, and what it becomes."""

from __future__ import annotations

import argparse
import contextlib
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.cli.run import request_of
from engine.cli.run_options import RunOptions
from engine.errors import BoxdeckError
from engine.model import ContainerRequest, Limits
from engine.options import BindMount, Security
from tui.limit_words import FieldError
from tui.run_fields import Kind, fields, parser, sections
from tui.run_request import line, mistakes, wanted

PLAIN = {"image": "base", "command": "sh", "tty": "yes"}
OF_THE_COMMAND_LINE = {
    "help", "detach", "attach", "detach_keys", "sig_proxy", "cidfile", "quiet", "interactive", "xray",
}  # fmt: skip


def test_every_option_of_run_is_in_a_section_of_the_form() -> None:
    every = (action for group in parser()._action_groups for action in group._group_actions)
    options = {action.dest for action in every if action.help is not argparse.SUPPRESS}
    assert {field.name for section in sections() for field in section.fields} == options - OF_THE_COMMAND_LINE
    for section in sections():
        names = [field.name for field in section.fields]
        assert len(names) == len(set(names)) > 0, section.name
    assert all(field.hint for field in fields().values())


def without_network(request: ContainerRequest) -> ContainerRequest:
    return replace(request, network="bridge", attachments=())


def test_the_form_as_it_opens_is_a_shell_that_stays() -> None:
    request, pull, platform = wanted(PLAIN)
    assert without_network(request) == ContainerRequest(image="base", command=("sh",), tty=True, interactive=True)
    assert (pull, platform) == ("missing", None)
    assert line(PLAIN) == "boxdeck run -dit base sh"


FULL = {
    "image": " debian:12 ", "command": "sh -c 'date; sleep 1'", "name": "job", "memory": "256m", "cpus": "1.5",
    "pids_limit": "64", "cpu_shares": "512", "cpuset_cpus": "0-1", "memory_swap": "1g", "blkio_weight": "200",
    "cpu_idle": "no", "network": "none", "volume": "/srv:/data:ro '/etc:/c d'", "userns": "keep-id",
    "env": "A=1 'B=two words' C=--x", "label": "tier=front", "cap_add": "net_admin sys_time", "cap_drop": "ALL",
    "read_only": "yes", "init": "yes", "rm": "", "pull": "always", "platform": "linux/arm64",
    "device_cgroup_rule": "'c 10:200 rwm'",
}  # fmt: skip


def test_every_field_arrives_and_the_command_line_says_the_same() -> None:
    request, pull, platform = wanted(FULL)
    assert without_network(request) == ContainerRequest(
        image="debian:12",
        command=("sh", "-c", "date; sleep 1"),
        name="job",
        limits=Limits(
            memory_bytes=256 << 20,
            cpus=1.5,
            pids=64,
            cpu_shares=512,
            cpuset_cpus="0-1",
            memory_swap_bytes=1 << 30,
            io_weight=200,
            cpu_idle=False,
        ),
        binds=(
            BindMount(source="/srv", destination="/data", read_only=True),
            BindMount(source="/etc", destination="/c d"),
        ),
        env=("A=1", "B=two words", "C=--x"),
        labels={"tier": "front"},
        userns="keep-id",
        security=Security(cap_add=("net_admin", "sys_time"), cap_drop=("ALL",)),
        read_only=True,
        init=True,
        device_rules=("c 10:200 rwm",),
    )
    assert request.network == "none"
    assert (pull, platform) == ("always", "linux/arm64")
    boxdeck, run, *rest = shlex.split(line(FULL))
    assert (boxdeck, run) == ("boxdeck", "run")
    assert request_of(parser().parse_args(rest, RunOptions())) == request


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("image", " ", "an image is needed"),
        ("image", "BAD::img", "names are in lower case"),
        ("image", "two words", "invalid image reference"),
        ("command", "sh -c 'date", "a quote is open"),
        ("name", "a/b", "can't be a container's name"),
        ("memory", "lots", "'lots' is not a size such as 64m"),
        ("memory", "1k", "the memory limit is too small: give the container at least 6m"),
        ("memory", "nan", "is not a size"),
        ("cpus", "two", "'two' is not"),
        ("pids_limit", "1.5", "is not a number of processes"),
        ("cpu_shares", "1", "262144"),
        ("device_read_bps", "/dev/sda", "/dev/sda"),
        ("volume", "data:/data:fast", "is not an option of a volume"),
        ("volume", "'/a", "a quote is open"),
        ("cap_add", "fly", "'fly' is not a capability"),
        ("publish", "80:x", "x"),
        ("env", "=x", "has no name"),
        ("workdir", "srv", "is not absolute"),
        ("health_interval", "soon", "'soon' is not a time"),
        ("oom_score_adj", "5000", "not an adjustment"),
        ("stop_signal", "NOPE", "is not a signal"),
        ("ulimit", "nofil=3", "there is no limit 'nofil'"),
    ],
)
def test_a_wrong_field_is_named_with_a_sentence(field: str, text: str, says: str) -> None:
    with pytest.raises(FieldError, match=says) as caught:
        wanted({**PLAIN, field: text})
    assert caught.value.field == field
    assert "--help" not in str(caught.value)
    assert not str(caught.value).startswith("argument")


def test_what_is_wrong_only_together_blames_no_field() -> None:
    typed = {**PLAIN, "network": "none", "publish": "80:80"}
    with pytest.raises(BoxdeckError, match="can't be published with --network none") as caught:
        wanted(typed)
    assert not isinstance(caught.value, FieldError)
    assert list(mistakes(typed)) == []
    assert wanted({**PLAIN, "memory": "64m", "memory_swap": "1g"}).request.limits.memory_swap_bytes == 1 << 30


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert {each.field for each in mistakes({**PLAIN, "memory": "lots", "name": "a/b", "cpus": "2"})} == {
        "memory",
        "name",
    }


TEXTS = [name for name, field in fields().items() if field.kind in (Kind.TEXT, Kind.LIST) and name != "image"]


@example("pids_limit", "0\x1f")  # white space to str.strip, but not to int
@example("cap_add", "--privileged")
@given(st.sampled_from(TEXTS), st.text(st.characters(exclude_characters="\0"), max_size=12))
def test_whatever_is_typed_gives_a_request_or_a_sentence(field: str, text: str) -> None:
    typed = {"image": "base", "command": "sh", field: text}
    with contextlib.suppress(BoxdeckError):
        assert wanted(typed).request.image == "base"
    assert "\n" not in line({**typed, field: text.replace("\n", "")})
