"""Ports published and withdrawn in the app, on a real engine: what one sees is what the kernel has."""

from __future__ import annotations

import socket

from engine import Engine
from engine.model import Container, ContainerRequest
from engine.network import port_notation
from tests.free_ports import free_port
from tests.tui.driving import desk


async def run(engine: Engine, *ports: str) -> Container:
    wanted = tuple(port for text in ports for port in port_notation.published(text))
    return await engine.containers.run(
        ContainerRequest(image="base", name="quiet", command=("sleep", "1000"), ports=wanted)
    )


async def test_ports_are_seen_published_and_withdrawn(engine: Engine) -> None:
    first, second = free_port(), free_port()
    await run(engine, f"127.0.0.1:{first}:80")
    async with desk(engine, size=(160, 48)) as at:
        await at.see(f"127.0.0.1:{first} → 80/tcp")
        await at.press("P")
        await at.see("ports of quiet")
        await at.type(f"127.0.0.1:{second}:81/udp")
        await at.press("tab")
        await at.type("80")
        await at.press("enter")
        await at.see(f"127.0.0.1:{second} → 81/udp")
        await at.see_no(f"127.0.0.1:{first} → 80/tcp")
    (port,) = await engine.containers.ports.list("quiet")
    assert (port.host_port, port.container_words) == (second, "81/udp")


async def test_what_cannot_be_is_said_in_the_form(engine: Engine) -> None:
    await run(engine)
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        async with desk(engine, size=(160, 48)) as at:
            await at.press("P")
            await at.see("Nothing of the host's leads to it.")
            await at.type("web:80")
            await at.press("enter")
            await at.see("'web:80' is not a port to publish")
            await at.press("home", *["delete"] * 6)
            await at.type(f"{port}:80")
            await at.press("enter")
            await at.see(f"port {port}/tcp of the host is in use by")
            await at.press("escape")
            await at.see_no("ports of quiet")
    assert (await engine.containers.get("quiet")).ports == ()
