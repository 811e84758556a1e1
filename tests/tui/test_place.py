"""An app begins where the one before ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import json

from engine.config.model import Config
from tests.tui.driving import Desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.app import BoxdeckApp
from tui.drawing.table import COLUMNS
from tui.kept_file import read, write
from tui.place import Place
from tui.sorting import Order


async def sit(folder: Path, *keys: str) -> tuple[BoxdeckApp, str]:
    """Press keys in an app that keeps its place in that folder, and quit; the app, its view and its last screen."""
    app = BoxdeckApp(FakeEngine(*crowd()), Config(), folder)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 36)) as pilot:
        at = Desk(app, pilot)
        await at.until(lambda: app.deck.containers is not None and app.deck.snapshot is not None)
        await at.press(*keys)
        await pilot.pause()
        text = f"{app.view}\n{at.text}"
        await at.press("q")
    return app, text


async def test_order_filter_groups_columns_selection_and_view_survive(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    orders = ("o", *["down"] * 4, "enter", "O")
    columns = ("C", "down", "space", "escape")
    before, _ = await sit(
        folder, "slash", *"base", "enter", *orders, *columns, "b", "b", "b", "enter", "end", "right", "2"
    )
    assert oct((folder / "place.json").stat().st_mode)[-3:] == "600"
    after, text = await sit(folder)
    deck = after.deck
    assert (deck.order, deck.is_reversed, deck.filter_text, deck.group_by) == (Order.CPU, True, "base", "network")
    assert deck.selected_id == before.deck.selected_id is not None
    assert deck.columns == tuple(key for key in COLUMNS if key != "state")
    assert after.containers_screen.detail.tab == "graphs"
    assert text.startswith("images\n")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"order": 7}', b"[]"])
def test_what_cant_be_understood_is_nothing(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "place.json"
    path.write_bytes(text)
    assert read(path, Place) is None
    write(json.encode(Place(filter_text="web")), path)
    assert json.decode(path.read_bytes()) == {"filter_text": "web"}
    write(b"{}", Path("/proc/nowhere/place.json"))  # is no failure


async def test_words_of_another_version_are_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "place.json"
    path.write_bytes(b'{"columns": ["gone", "cpu"], "order": "gone", "tab": "gone", "reach": "gone", "view": "gone"}')
    app, text = await sit(tmp_path)
    assert app.deck.order is Order.AGE
    assert app.deck.columns == ("cpu",)
    assert text.startswith("containers")
