"""Searching: in docker's index, in the list of a real registry, and where there is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config.model import RegistrySettings
from engine.errors import InvalidRequest, RegistryError
from engine.registry import credentials
from engine.registry.registries import Registries
from engine.registry.search import search
from tests.engine.images.conftest import Layout
from tests.engine.registry.conftest import MakeRegistry
from tests.engine.registry.served import Handler, Served
from tests.engine.registry.test_registry import ME, push


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    registry = Served(tmp_path)
    yield registry
    registry.close()


def answering(served: Served, answers: dict[str, object]) -> None:
    """Have the registry answer these paths, and nothing else."""

    def twist(request: Handler) -> bool:
        path = request.path.partition("?")[0]
        if path not in answers:
            return False
        answer = answers[path]
        request.answer(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        return True

    served.twist = twist


async def test_an_index_is_asked(served: Served) -> None:
    hits = [
        {
            "name": "app",
            "description": "one\ntwo \x1b[31m",
            "star_count": 7,
            "is_official": True,
            "is_automated": False,
        },
        {"name": "team/app", "description": None},
    ]
    answering(served, {"/v1/search": {"num_results": 2, "results": hits}})
    first, second = await Registries().search(f"{served.host}/app", 5)
    assert (first.name, first.description, first.stars, first.is_official) == (
        f"{served.host}/app", "one two ?[31m", 7, True,
    )  # fmt: skip
    assert (second.name, second.description, second.stars) == (f"{served.host}/team/app", "", 0)
    assert served.paths()[-1] == "/v1/search?q=app&n=5"


async def test_words_are_quoted(served: Served) -> None:
    answering(served, {"/v1/search": {"results": []}})
    assert await Registries().search(f"{served.host}/a&n=9 é") == ()
    assert served.paths()[-1] == "/v1/search?q=a%26n%3D9+%C3%A9&n=25"


@pytest.mark.parametrize("index", [b"<html>no index here</html>", b"{}", None])
async def test_without_an_index_the_list_is_looked_through(served: Served, index: bytes | None) -> None:
    answers: dict[str, object] = {"/v2/_catalog": {"repositories": ["Zebra", "team/app", "app", "other"]}}
    answering(served, answers if index is None else {**answers, "/v1/search": index})
    found = await Registries().search(f"{served.host}/APP")
    assert [each.name for each in found] == [f"{served.host}/team/app", f"{served.host}/app"]
    assert len(await Registries().search(f"{served.host}/", 3)) == 3


async def test_a_list_has_pages_but_none_elsewhere(served: Served) -> None:
    where = ["</v2/_catalog?last=b&n=2>"]

    def pages(request: Handler) -> bool:
        if "last=" in request.path:
            request.answer(200, b'{"repositories": ["c"]}')
        elif "_catalog" in request.path:
            request.answer(200, b'{"repositories": ["a", "b"]}', Link=f'{where[0]}; rel="next"')
        return "_catalog" in request.path

    served.twist = pages
    assert [each.name[-1] for each in await Registries().search(f"{served.host}/")] == ["a", "b", "c"]
    where[0] = "<http://registry.example/v2/_catalog>"
    with pytest.raises(RegistryError, match="sends us to"):
        await Registries().search(f"{served.host}/")


async def test_a_registry_that_offers_none_is_named(served: Served) -> None:
    with pytest.raises(RegistryError, match=rf"{served.host} offers no search: .*boxdeck tags {served.host}/NAME"):
        await Registries().search(f"{served.host}/app")


async def test_a_list_without_end_is_left(served: Served) -> None:
    answering(served, {"/v2/_catalog": b'{"repositories": ["' + b"a" * (5 << 20) + b'"]}'})
    with pytest.raises(RegistryError, match="without end"):
        await Registries().search(f"{served.host}/app")


async def test_docker_hub_wants_a_word() -> None:
    with pytest.raises(InvalidRequest, match="needs a word"):
        await Registries().search("")


def test_a_real_registry_lists_what_it_has(docker_registry: MakeRegistry, layout: Layout) -> None:
    registry = docker_registry(passwords=True)
    layout.finish(layout.image(b"\0" * 1024))
    for name in ("team/app:1", "team/other:1", "app:2"):
        push(layout, registry, name)
    with pytest.raises(RegistryError, match="boxdeck login localhost"):
        search(registry.host, "app", 10, RegistrySettings())
    credentials.store(registry.host, ME)
    found = search(registry.host, "app", 10, RegistrySettings())
    assert [each.name for each in found] == [f"{registry.host}/app", f"{registry.host}/team/app"]
