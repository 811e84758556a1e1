"""The app in a browser, and who else may not have it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests import browser
from tests.command_line import PROGRAM, CommandLine, eventually
from tests.free_ports import free_port

pytestmark = pytest.mark.alone

READY = "document.body && document.body.classList.contains('-first-byte')"


@pytest.fixture
def link(boxdeck: CommandLine) -> Iterator[str]:
    """The link that ``boxdeck --web`` prints."""
    served = boxdeck.start("--web")
    assert served.stdout is not None
    try:
        yield served.stdout.readline().decode().strip()
    finally:
        served.send_signal(signal.SIGINT)
        assert served.wait(20) == 0


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as opened:  # of an address, no name
        yield opened


@pytest.mark.skipif(browser.PROGRAM is None, reason="chromium isn't installed: apt-get install chromium")
async def test_a_container_is_started_and_typed_into(boxdeck: CommandLine, link: str, tmp_path: Path) -> None:
    boxdeck.ok("images")  # the engine's folders are there, so that both don't make them
    async with browser.page(tmp_path / "profile") as page:
        await page.open(link)
        await page.until(READY)
        assert not await page.value("location.search")  # the token isn't left where one may copy it from
        await page.until("document.activeElement.tagName == 'TEXTAREA'")
        await asyncio.sleep(2)
        await page.type("n")
        await asyncio.sleep(1)
        await page.type("\r")
        assert await asyncio.to_thread(eventually, boxdeck.names, 60)
        (name,) = boxdeck.names()
        await asyncio.sleep(3)  # its terminal has the keys then
        await page.type("echo from a browser > /root/note\r")
        note = ("exec", name, "cat", "/root/note")
        seen = await asyncio.to_thread(eventually, lambda: boxdeck(*note).out == "from a browser\n", 30)
        await page.photograph(tmp_path / "page.png")
        assert seen, tmp_path / "page.png"


async def test_the_link_works_once(link: str, session: aiohttp.ClientSession) -> None:
    async with session.get(link) as answer:
        assert answer.status == 200 and str(answer.url) == link.partition("?")[0]
    async with session.get(link) as answer:
        assert answer.status == 403 and "used" in await answer.text()
    async with session.get(link.partition("?")[0]) as answer:
        assert answer.status == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "ws", "static/js/textual.js", "?token=guessed"])
async def test_nobody_gets_in_without_it(link: str, session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(link.partition("?")[0] + path) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("header", [{"Host": "rebound.example"}, {"Origin": "http://other.example"}])
async def test_other_pages_cannot_use_it(link: str, session: aiohttp.ClientSession, header: dict[str, str]) -> None:
    async with session.get(link):
        pass
    async with session.get(link.partition("?")[0] + "ws", headers=header) as answer:
        assert answer.status == 403


def test_it_is_on_loopback_alone(link: str) -> None:
    port = link.partition("?")[0].strip("/").rpartition(":")[2]
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[3] for line in listening.splitlines()] == [f"127.0.0.1:{port}"]


def test_a_port_can_be_chosen_and_may_be_taken(boxdeck: CommandLine) -> None:
    port = free_port()
    served = boxdeck.start(f"--web={port}")
    assert served.stdout is not None
    try:
        assert served.stdout.readline().startswith(f"http://127.0.0.1:{port}/?token=".encode())
        assert "take another with --web=PORT" in boxdeck(f"--web={port}").sentence
    finally:
        served.terminate()
        assert served.wait(20) == 0


@pytest.mark.parametrize("port", ["http", "65536", "-1", ""])
def test_what_is_no_port_is_refused(port: str) -> None:
    done = subprocess.run([PROGRAM, f"--web={port}"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert done.stderr == f"boxdeck: --web={port} isn't a port: take one between 1 and 65535, or none for any\n"
