"""The namespaces screen by kind, and a container's namespaces beside another's."""

from __future__ import annotations

from engine.model import NamespaceAspect, NamespaceEntry, NamespacePortrait
from tests.tui import driving
from tests.tui.fake_engine import FakeEngine, container
from tui.deck import Deck
from tui.live import Sight
from tui.screens.namespaces import NamespacesScreen


class Machine:
    """Two user namespaces, and what processes see in them."""

    async def list(self) -> tuple[NamespaceEntry, ...]:
        inside = NamespaceEntry(kind="user", inode=22, parent_inode=11, processes=1, containers=("web",))
        return NamespaceEntry(kind="user", inode=11, is_host=True, processes=50), inside

    async def portrait(self, reference: str = "") -> NamespacePortrait:
        name = reference[:12] or "host"
        inode = 1 if name == "host" else int(name, 16)
        aspect = NamespaceAspect(kind="uts", inode=inode, contents=f"name of {name}")
        return NamespacePortrait(name=name, pid=1, aspects=(aspect,))


async def test_kinds_are_explained_and_two_are_compared() -> None:
    engine = FakeEngine(container(1, "web"), container(2, "db"))
    engine.namespaces = Machine()  # type: ignore[attr-defined]
    async with driving.desk(engine, size=(120, 40)) as at:
        await at.press("5", "v")
        await at.see("namespaces by kind", "unshare(CLONE_NEWUSER)", "╰─ 22  web  1 process", "v by kind", "= compare")
        await at.press("v")
        await at.until(lambda: "CLONE_NEWUSER" not in at.text)
        await at.press("equals_sign")
        await at.see("compare web with", "the host", "db")
        await at.press("down", "enter")
        await at.see("namespaces side by side", "name of host", "uts")
        assert at.text.count("name of ") == 3
        await at.press("y", "escape")
        assert "name of host" in at.app.clipboard
        await at.until(lambda: "side by side" not in at.text)


def test_what_is_in_sight_is_known_before_the_screen_is_mounted() -> None:
    assert NamespacesScreen(Deck()).shows_namespaces is Sight.CONTAINERS
