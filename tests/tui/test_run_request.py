"""What is typed into the run form, and what it becomes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.limits import DeviceLimit
from engine.model import ContainerRequest, Limits
from engine.options import BindMount, Security
from tui.limit_words import FieldError
from tui.run_request import Fields, request_of

PLAIN = Fields(image="base")


def test_the_form_as_it_opens_is_a_shell_that_stays() -> None:
    assert request_of(replace(PLAIN, command="sh")) == ContainerRequest(
        image="base", command=("sh",), tty=True, interactive=True
    )


def test_every_field_arrives() -> None:
    fields = Fields(
        image=" debian:12 ", command="sh -c 'date; sleep 1'", name="job", memory="256m", cpus="1.5", pids="64",
        limits="shares=512 cpuset=0-1 swap=1g weight=200 writing=/dev/sda:1m",
        network="none", volumes="/srv:/data:ro '/a b:/c'", ids="keep-id", rights="none", capabilities="net_admin -kill",
        terminal=False, read_only=True, init=True,
    )  # fmt: skip
    assert request_of(fields) == ContainerRequest(
        image="debian:12",
        command=("sh", "-c", "date; sleep 1"),
        name="job",
        network="none",
        limits=Limits(
            memory_bytes=256 << 20,
            cpus=1.5,
            pids=64,
            cpu_shares=512,
            cpuset_cpus="0-1",
            memory_swap_bytes=1 << 30,
            io_weight=200,
            device_written_bytes=(DeviceLimit("/dev/sda", 1 << 20),),
        ),
        binds=(
            BindMount(source="/srv", destination="/data", read_only=True),
            BindMount(source="/a b", destination="/c"),
        ),
        userns="keep-id",
        security=Security(cap_add=("net_admin",), cap_drop=("ALL", "kill")),
        read_only=True,
        init=True,
    )


def test_everything_is_a_privileged_container() -> None:
    assert request_of(replace(PLAIN, rights="privileged", ids="host")).security == Security(privileged=True)
    assert request_of(replace(PLAIN, rights="privileged", ids="host")).userns == "host"


@pytest.mark.parametrize(
    ("text", "count"),
    [("8388608", 8 << 20), ("16M", 16 << 20), ("1.5g", 3 << 29), ("64MiB", 64 << 20), ("64mb", 64 << 20), (" ", None)],
)
def test_amounts_of_memory(text: str, count: int | None) -> None:
    assert request_of(replace(PLAIN, memory=text)).limits.memory_bytes == count


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("image", " ", "an image is needed"),
        ("command", "sh -c 'date", "a quote is open"),
        ("name", "a/b", "can't be a container's name"),
        ("memory", "lots", "'lots' isn't an amount"),
        ("memory", "1k", "less than 6m"),
        ("memory", "nan", "isn't an amount"),
        ("cpus", "two", "'two' isn't a number"),
        ("cpus", "0", "at least a hundredth"),
        ("cpus", "nan", "at least a hundredth"),
        ("pids", "-1", "isn't a number of processes"),
        ("pids", "1.5", "isn't a number of processes"),
        ("limits", "speed=9", "'speed=9' isn't a further limit"),
        ("limits", "shares=1", "'1' isn't a number from 2 to 262144"),
        ("limits", "reading=/dev/sda", "'/dev/sda' isn't a device with a rate"),
        ("volumes", "data:/data:fast", "is not an option of a volume"),
        ("volumes", "'/a", "a quote is open"),
        ("capabilities", "fly", "'fly' isn't a capability"),
    ],
)
def test_a_wrong_field_is_named_with_a_sentence(field: str, text: str, says: str) -> None:
    with pytest.raises(FieldError, match=says) as caught:
        request_of(replace(PLAIN, **{field: text}))
    assert caught.value.field == field
    assert ": " in str(caught.value)


@example("pids", "0\x1f")  # white space to str.strip, but not to int
@given(st.sampled_from(["command", "name", "memory", "cpus", "pids", "limits"]), st.text(max_size=12))
def test_whatever_is_typed_gives_a_request_or_a_sentence_for_its_field(field: str, text: str) -> None:
    with contextlib.suppress(FieldError):
        assert request_of(replace(PLAIN, **{field: text})).image == "base"
