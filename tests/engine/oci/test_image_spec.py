"""The documents of images: what others write is understood, what we write is always the same."""

from __future__ import annotations

import pytest

from engine.errors import ImageError
from engine.oci.digest import checked_digest, digest_of
from engine.oci.image_spec import (
    ConfigDocument,
    Descriptor,
    Manifest,
    RunConfig,
    decode,
    encode,
    format_time,
    image_config,
    parse_time,
)


def test_a_config_by_docker_with_nulls_is_read() -> None:
    text = b'{"architecture":"amd64","os":"linux","config":{"Env":null,"Cmd":["sh"],"Entrypoint":null,"Labels":null,'
    text += b'"Domainname":"","OnBuild":null,"User":""},"rootfs":{"type":"layers","diff_ids":[]},"container":"x"}'
    config = image_config(decode(text, ConfigDocument, "the config"))
    assert (config.command, config.entrypoint, config.env, config.labels) == (("sh",), (), (), {})
    assert config.stop_signal == "SIGTERM"


def test_a_config_without_a_config_object_is_read() -> None:
    assert image_config(decode(b'{"rootfs":{"type":"layers","diff_ids":[]}}', ConfigDocument, "x")).command == ()


@pytest.mark.parametrize("text", [b"", b"[]", b'{"config": 1}', b'{"layers": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_refused_in_one_sentence(text: bytes) -> None:
    with pytest.raises(ImageError, match="the manifest can't be read"):
        decode(text, Manifest, "the manifest")


def test_the_same_document_has_the_same_digest() -> None:
    run = RunConfig(labels={"b": "1", "a": "2"})
    other = RunConfig(labels={"a": "2", "b": "1"})
    assert digest_of(encode(ConfigDocument(config=run))) == digest_of(encode(ConfigDocument(config=other)))


def test_a_manifest_survives_a_round_trip() -> None:
    manifest = Manifest(config=Descriptor(media_type="c", digest="d", size=1), layers=(Descriptor(digest="e", size=2),))
    assert decode(encode(manifest), Manifest, "m") == manifest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("2024-02-29T12:00:00.123456789Z", 1_709_208_000_123_456_789),
        ("2024-02-29T14:00:00.5+02:00", 1_709_208_000_500_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str | None, expected: int) -> None:
    assert parse_time(text) == expected


def test_times_are_written_so_that_they_are_read_back() -> None:
    assert parse_time(format_time(1_709_208_000_987_654_321)) == 1_709_208_000_000_000_000


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "A" * 64, "sha256:../../etc/passwd", "md5:" + "a" * 64])
def test_only_digests_become_file_names(text: str) -> None:
    with pytest.raises(ImageError, match="no sha256 digest"):
        checked_digest(text)
