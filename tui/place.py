"""Where a person was when the app ended: kept in ``~/.local/state/boxdeck/place.json``, and taken up by the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.drawing.table import COLUMNS
from tui.kept_file import read, write
from tui.past import Reach
from tui.sorting import Order
from tui.widgets.detail import TABS

if TYPE_CHECKING:
    from tui.deck import Deck
    from tui.widgets.detail import Detail

_SECONDS = 3.0
"""How often it is looked whether something is to be kept: a terminal may be closed without a word."""


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's place.

    Attributes:
        view: the screen that is shown.
        tab: of the selected container's part.
        selected: the id of the selected container.
        reach: of graphs, and order, is_reversed, filter_text, group_by, folded, columns of the table: as `tui.deck`
            has them.
    """

    view: str = "containers"
    tab: str = "overview"
    reach: str = Reach.MINUTES.value
    selected: str | None = None
    order: str = ""
    is_reversed: bool = False
    filter_text: str = ""
    group_by: str = ""
    folded: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None


class Keeper:
    """Takes up a place at the start, and keeps it from then on.

    Args:
        path: of the file; None keeps nothing.
        view: tells which screen is shown.
    """

    def __init__(self, path: Path | None, deck: Deck, detail: Detail, view: Callable[[], str]) -> None:
        self._path, self._deck, self._detail, self._view = path, deck, detail, view
        self.place = (read(path, Place) if path is not None else None) or Place()
        self._take_up()

    def _take_up(self) -> None:
        place, deck = self.place, self._deck
        deck.order = Order(place.order) if place.order in {order.value for order in Order} else Order.AGE
        deck.is_reversed = place.is_reversed
        deck.filter_text, deck.group_by = place.filter_text, place.group_by
        deck.folded = set(place.folded)
        if place.columns is not None:
            deck.columns = tuple(key for key in place.columns if key in COLUMNS)
        if place.selected is not None:
            deck.expect(place.selected)
        if place.tab in TABS:
            self._detail.tab = place.tab
        if place.reach in {reach.value for reach in Reach}:
            deck.reach = Reach(place.reach)

    def look(self) -> None:
        """Keep what is different from last time."""
        deck, detail = self._deck, self._detail
        here = Place(
            view=self._view(),
            tab=detail.tab if detail.tab in TABS else "overview",
            reach=deck.reach.value,
            selected=deck.selected_id or (self.place.selected if deck.containers is None else None),
            order=deck.order.value,
            is_reversed=deck.is_reversed,
            filter_text=deck.filter_text,
            group_by=deck.group_by,
            folded=tuple(sorted(deck.folded)),
            columns=deck.columns,
        )
        if here != self.place and self._path is not None:
            write(msgspec.json.encode(here), self._path)
        self.place = here

    async def follow(self) -> None:
        """Look every now and then."""
        while self._path is not None:
            await asyncio.sleep(_SECONDS)
            self.look()
