"""X opens the X-ray of the selected container: calls by kind, what each is for, and all of it copied."""

from __future__ import annotations

from engine.model.xray import KernelCall, Xray
from engine.xray.xrays import Recording
from tests.tui import driving
from tests.tui.fake_engine import FakeEngine, container, crowd
from tui.drawing.image_rows import name_of
from tui.screens.xray import XrayScreen

CALLS = (
    ("launcher", "process", "clone3", "{flags=CLONE_PIDFD}, 88", "0 (in the child)", -500.0),
    ("maker", "namespace", "clone3", "{flags=CLONE_NEWUSER|CLONE_NEWNS}, 88", "4711", 100.0),
    ("init", "mount", "fsopen", '"proc", FSOPEN_CLOEXEC', "3", 900.0),
    ("init", "mount", "pivot_root", '".", "."', "0", 1500.0),
    ("init", "process", "execve", '"/bin/sleep", ["sleep"]', "-1 ENOENT (No such file or directory)", 2000.0),
)


def xray(action: str) -> Xray:
    calls = tuple(
        KernelCall(
            at_usec=at,
            duration_usec=50.0,
            process=process,
            pid=1,
            kind=kind,  # type: ignore[arg-type]
            name=name,
            arguments=arguments,
            result=result,
            failed=result.startswith("-1"),
            explanation=f"What {name} is for.",
        )
        for process, kind, name, arguments, result, at in CALLS
    )
    return Xray(action=action, subject="c1", name="web", began_unix_ns=1, error="", calls=calls)


class Recorded:
    """Two actions of every container."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def list(self, reference: str, kind: str = "") -> tuple[Recording, ...]:
        self.asked.append((reference, kind))
        return Recording("exec", 2, "exec-2"), Recording("start", 1, "start-1")

    async def open(self, path: str) -> Xray:
        return xray(path.partition("-")[0])


async def test_images_networks_and_volumes_have_theirs() -> None:
    engine = FakeEngine(*crowd())
    engine.xrays = recorded = Recorded()  # type: ignore[attr-defined]
    async with driving.desk(engine, size=(100, 30)) as at:
        for view, kind, name in (
            ("2", "image", name_of((await engine.images.list())[0])),
            ("3", "network", "bridge"),
            ("4", "volume", "data"),
        ):
            await at.press(view)
            await at.see(name)
            await at.press("X")
            await at.see(f"x-ray of {name}", "exec  start")
            await at.press("escape")
            assert recorded.asked[-1][1] == kind


async def test_a_pull_that_failed_shows_what_was_done_until_then() -> None:
    engine = FakeEngine(*crowd())
    engine.xrays = recorded = Recorded()  # type: ignore[attr-defined]
    async with driving.desk(engine, size=(100, 30)) as at:
        await at.press("2", "p")
        await at.see("pull an image")
        await at.type("nowhere/web")
        await at.press("enter")
        await at.see("can't be reached", "X what was done")
        await at.press("X")
        await at.see("x-ray of nowhere/web")
        assert recorded.asked == [("nowhere/web", "image")]
        await at.press("escape", "c", "X")
        await at.see(f"x-ray of {name_of((await engine.images.list())[0])}")


def shown(at: driving.Desk) -> str:
    screen = at.app.screen
    return screen.shown.action if isinstance(screen, XrayScreen) and screen.shown is not None else ""


async def test_calls_are_shown_by_kind_with_what_they_are_for_and_copied() -> None:
    engine = FakeEngine(container(1, "web"))
    engine.xrays = Recorded()  # type: ignore[attr-defined]
    async with driving.desk(engine, size=(100, 30)) as at:
        await at.press("X")
        await at.see(
            "x-ray of web", "exec  start", "2.0 ms · 5 calls", "CLONE_NEWUSER", "ENOENT", "What clone3 is for."
        )
        await at.press("right", "right")
        await at.until(lambda: "fsopen" in at.text and "CLONE_NEW" not in at.text)
        await at.press("right_square_bracket")
        await at.until(lambda: shown(at) == "start")
        await at.press("down")
        await at.see("What pivot_root is for.", "pid 1 in its own namespace · mount · 50.0 µs")
        await at.press("y")
        copied = at.app.clipboard.splitlines()
        assert copied[0].startswith("start web · 2.0 ms · 2 of 5 calls")
        assert [line.split()[3].partition("(")[0] for line in copied[2::2]] == ["fsopen", "pivot_root"]
        assert copied[-1].strip() == "What pivot_root is for."
        await at.press("escape")
        await at.until(lambda: "x-ray of web" not in at.text)
