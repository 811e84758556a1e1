"""What registries ask for: the headers of those that there are, and nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.registry.challenge import Challenge, parse

CASES = {
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"': Challenge(
        "bearer", "https://auth.example/token", "registry.example", "repository:a/b:pull"
    ),
    'Basic realm="Registry Realm"': Challenge("basic", "Registry Realm"),
    "BASIC realm=bare": Challenge("basic", "bare"),
    'Bearer service="s", realm="https://a/?x=1,2"': Challenge("bearer", "https://a/?x=1,2", "s"),
    'Bearer realm="with \\"quotes\\""': Challenge("bearer", 'with "quotes"'),
    'Basic realm="a", Bearer realm="b"': Challenge("bearer", "b"),
    "Negotiate": None,
    "": None,
}


@pytest.mark.parametrize("header", CASES)
def test_headers_are_understood(header: str) -> None:
    assert parse([header]) == CASES[header]


def test_bearer_is_chosen_before_basic() -> None:
    assert parse(['Basic realm="a"', 'Bearer realm="b"']) == Challenge("bearer", "b")


@given(st.lists(st.text()))
def test_nonsense_is_no_challenge_and_no_error(headers: list[str]) -> None:
    parse(headers)
