"""A page in headless Chromium, driven by its own protocol (chromedevtools.github.io/devtools-protocol)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1200,700",
)  # fmt: skip
_NAMED = {"\r": ("Enter", 13), "\x1b": ("Escape", 27)}


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **params: object) -> Any:
        """Ask for something and wait for the answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async for message in self._socket:
            answer = message.json()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the browser has gone")

    async def open(self, address: str) -> None:
        """Go somewhere."""
        await self.call("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        """What JavaScript says."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 30) -> None:
        """Wait until JavaScript says yes."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await self.value(expression):
            assert asyncio.get_running_loop().time() < deadline, await self.value("document.body.innerText")
            await asyncio.sleep(0.1)

    async def type(self, text: str) -> None:
        """Press the keys of a text."""
        for letter in text:
            name, code = _NAMED.get(letter, (letter, ord(letter.upper())))
            key = {"key": name, "windowsVirtualKeyCode": code, "text": letter}
            await self.call("Input.dispatchKeyEvent", type="keyDown", **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def photograph(self, path: Path) -> None:
        """Write a PNG of what it shows."""
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot"))["data"]))


@asynccontextmanager
async def page(folder: Path) -> AsyncIterator[Page]:
    """An empty tab of a browser whose profile is in a folder of its own."""
    assert PROGRAM is not None
    browser = await asyncio.create_subprocess_exec(
        PROGRAM, *_FLAGS, f"--user-data-dir={folder}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            port = (await _written(folder / "DevToolsActivePort")).split()[0]
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                address = next(tab for tab in await answer.json() if tab["type"] == "page")["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        browser.terminate()
        await browser.wait()


async def _written(path: Path) -> str:
    """A file's text, once it is there."""
    for _ in range(600):
        if path.exists() and (text := path.read_text()):
            return text
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} was never written")
