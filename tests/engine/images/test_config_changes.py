"""A Dockerfile's words change an image's config, and leave alone what they don't speak of."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidRequest
from engine.images.config_changes import apply

OLD = {"Env": ["PATH=/bin", "A=1"], "Healthcheck": {"Test": ["NONE"]}, "Labels": {"old": "yes"}}
CASES: dict[str, dict[str, Any]] = {
    'CMD ["sh", "-c", "x y"]': {"Cmd": ["sh", "-c", "x y"]},
    "cmd sleep 5": {"Cmd": ["/bin/sh", "-c", "sleep 5"]},
    'ENTRYPOINT ["/init"]': {"Entrypoint": ["/init"]},
    "ENV A=2 B='x y'": {"Env": ["PATH=/bin", "A=2", "B=x y"]},
    "ENV A two words": {"Env": ["PATH=/bin", "A=two words"]},
    "EXPOSE 80 53/udp": {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}},
    'LABEL new=1 other="a b"': {"Labels": {"old": "yes", "new": "1", "other": "a b"}},
    "STOPSIGNAL SIGINT": {"StopSignal": "SIGINT"},
    "USER www-data": {"User": "www-data"},
    'VOLUME ["/data", "/a b"]': {"Volumes": {"/data": {}, "/a b": {}}},
    "WORKDIR /srv": {"WorkingDir": "/srv"},
}


@pytest.mark.parametrize("change", CASES)
def test_one_change(change: str) -> None:
    assert apply(OLD, (change,)) == {**OLD, **CASES[change]}


@pytest.mark.parametrize("change", ["RUN x", "CMD", "", "CMD [1]", "CMD [", "ENV =x", "LABEL a", 'LABEL a="b'])
def test_what_can_t_be_understood_is_said(change: str) -> None:
    with pytest.raises(InvalidRequest, match=r"can't be understood|is no list of words"):
        apply(OLD, (change,))
