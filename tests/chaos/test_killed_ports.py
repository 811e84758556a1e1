"""``port add`` and ``port rm`` killed at any moment: kernel, store and record say the same afterwards."""

from __future__ import annotations

import random
import signal
import socket
import time

import pytest

from tests.command_line import CommandLine
from tests.engine.network.boxes import shell
from tests.free_ports import free_port

SEED = 20261129
ROUNDS = 8
LATEST_SECONDS = 0.6  # after which a command has mostly ended


def led(boxdeck: CommandLine) -> set[int]:
    """The ports of the host's that lead somewhere, as the kernel has it."""
    listing = shell(f"nft list map inet {boxdeck.paths.table_name} ports4")
    inside = listing.partition("elements = {")[2].partition("}")[0]
    return {int(element.split(" . ")[2].split(" : ")[0]) for element in inside.split(",") if element.strip()}


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def published(boxdeck: CommandLine, name: str) -> set[int]:
    """The ports of the host's, as the record has it."""
    return {int(line.rpartition(":")[2]) for line in boxdeck.ok("port", name).splitlines()}


@pytest.mark.parametrize("verb", ["add", "rm"])
def test_a_change_that_is_killed_is_whole_or_not_at_all(boxdeck: CommandLine, verb: str) -> None:
    chance = random.Random(SEED)
    kept, *others = {free_port() for _ in range(1 + ROUNDS)}
    before = [f"-p=127.0.0.1:{port}:80" for port in (others if verb == "rm" else ())]
    boxdeck.ok("run", "-d", "--name", "bystander", "-p", f"127.0.0.1:{kept}:80", "base", "sleep", "1000")
    boxdeck.ok("run", "-d", "--name", "web", *before, "base", "sleep", "1000")
    for port in others:
        command = boxdeck.start("port", verb, "web", f"127.0.0.1:{port}:80")
        time.sleep(chance.uniform(0, LATEST_SECONDS))
        command.send_signal(signal.SIGKILL)
        command.communicate()
        now = published(boxdeck, "web")  # whoever comes next puts things right
        assert led(boxdeck) == now | {kept}
        assert all(not is_free(each) for each in now | {kept})
    boxdeck.ok("stop", "-t", "0", "web", "bystander")
    assert led(boxdeck) == set()
    assert all(is_free(port) for port in (kept, *others))


def test_a_start_that_is_killed_leaves_no_port(boxdeck: CommandLine) -> None:
    chance = random.Random(SEED)
    for port in {free_port() for _ in range(ROUNDS)}:
        command = boxdeck.start("run", "-d", "-p", f"127.0.0.1:{port}:80", "base", "sleep", "1000")
        time.sleep(chance.uniform(0, LATEST_SECONDS))
        command.send_signal(signal.SIGKILL)
        command.communicate()
        boxdeck.remove_all()
        assert led(boxdeck) == set()
        assert is_free(port)
