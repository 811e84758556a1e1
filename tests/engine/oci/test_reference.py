"""What people type as an image's name, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.oci.reference import parse_reference

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "familiar", "canonical"),
    [
        ("base", "base:latest", "docker.io/library/base:latest"),
        ("debian:12", "debian:12", "docker.io/library/debian:12"),
        ("library/debian:12", "debian:12", "docker.io/library/debian:12"),
        ("docker.io/debian", "debian:latest", "docker.io/library/debian:latest"),
        ("index.docker.io/library/debian", "debian:latest", "docker.io/library/debian:latest"),
        ("someone/app:v1.2-rc_3", "someone/app:v1.2-rc_3", "docker.io/someone/app:v1.2-rc_3"),
        ("quay.io/a/b/c:1", "quay.io/a/b/c:1", "quay.io/a/b/c:1"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"),
        ("Host/app", "Host/app:latest", "Host/app:latest"),
        (f"app@sha256:{HEX}", f"app@sha256:{HEX}", f"docker.io/library/app@sha256:{HEX}"),
        (f"app:1@sha256:{HEX}", f"app:1@sha256:{HEX}", f"docker.io/library/app:1@sha256:{HEX}"),
        ("a__b/c-d--e.f", "a__b/c-d--e.f:latest", "docker.io/a__b/c-d--e.f:latest"),
    ],
)
def test_names_are_read_as_docker_reads_them(text: str, familiar: str, canonical: str) -> None:
    reference = parse_reference(text)
    assert (reference.familiar, reference.canonical) == (familiar, canonical)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ":",
            "app:",
            "app@",
            ":tag",
            "App",
            "a/B",
            "a b",
            "app:with space",
            "app:.hidden",
            "-app",
            "app-",
            "a//b",
        ),
        *("a..b", "a___b", "/app", "app/", "app@sha256:short", "app@md5", f"app:{'t' * 129}", "a" * 256, "ä", "a\nb"),
        "../x",
    ],
)
def test_what_breaks_the_grammar_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidRequest, match="invalid image reference") as caught:
        parse_reference(text)
    assert "\n" not in str(caught.value)


component = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)?", fullmatch=True).map(lambda s: s[:20].rstrip("._-"))
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(st.lists(component, min_size=1, max_size=4), tags)
def test_the_familiar_form_means_the_same_again(parts: list[str], tag: str) -> None:
    reference = parse_reference(f"{'/'.join(parts)}:{tag}")
    assert parse_reference(reference.familiar) == reference
    assert parse_reference(reference.canonical) == reference


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidRequest:
        return
    assert parse_reference(reference.familiar) == reference
