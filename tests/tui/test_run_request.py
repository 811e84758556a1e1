"""What is typed into the run form, and what it becomes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model import ContainerRequest, Limits
from tui.run_request import FieldError, Fields, request_of

PLAIN = Fields(image="base")


def test_the_form_as_it_opens_is_a_shell_that_stays() -> None:
    assert request_of(replace(PLAIN, command="sh")) == ContainerRequest(
        image="base", command=("sh",), tty=True, interactive=True
    )


def test_every_field_arrives() -> None:
    fields = Fields(
        image=" debian:12 ", command="sh -c 'date; sleep 1'", name="job", memory="256m", cpus="1.5", pids="64",
        network="none", terminal=False,
    )  # fmt: skip
    assert request_of(fields) == ContainerRequest(
        image="debian:12",
        command=("sh", "-c", "date; sleep 1"),
        name="job",
        network="none",
        limits=Limits(memory_bytes=256 << 20, cpus=1.5, pids=64),
    )


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
    ],
)
def test_a_wrong_field_is_named_with_a_sentence(field: str, text: str, says: str) -> None:
    with pytest.raises(FieldError, match=says) as caught:
        request_of(replace(PLAIN, **{field: text}))
    assert caught.value.field == field
    assert ": " in str(caught.value)


@example("pids", "0\x1f")  # white space to str.strip, but not to int
@given(st.sampled_from(["command", "name", "memory", "cpus", "pids"]), st.text(max_size=12))
def test_whatever_is_typed_gives_a_request_or_a_sentence_for_its_field(field: str, text: str) -> None:
    with contextlib.suppress(FieldError):
        assert request_of(replace(PLAIN, **{field: text})).image == "base"
