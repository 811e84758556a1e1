"""A canvas that remembers which device is drawn where, for a cursor and a mouse to find it."""

from __future__ import annotations

from msgspec import Struct

from engine.model import LinkEnd, PortMap, Topology
from tui.drawing.canvas import Canvas
from tui.drawing.lines import Line, Tone

Target = LinkEnd | PortMap
"""What the cursor can be on: a device, or a published port."""


class Spot(Struct, frozen=True, kw_only=True):
    """Where a device or port is drawn, in cells; `container_id` is that of the container which it leads to."""

    end: Target
    x: int
    y: int
    width: int
    height: int
    container_id: str | None = None

    @property
    def is_port(self) -> bool:
        """Whether it is a published port."""
        return isinstance(self.end, PortMap)

    def holds(self, x: int, y: int) -> bool:
        """Whether a point is on it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class Map:
    """What is drawn on, with one device marked.

    Attributes:
        host: the number of the host's network namespace.
    """

    def __init__(self, topology: Topology, cursor: Target | None) -> None:
        self.topology = topology
        self.canvas = Canvas()
        self.spots: list[Spot] = []
        self.host = topology.spaces[0].inode if topology.spaces else 0
        self._cursor = cursor

    def spot(self, end: Target, x: int, y: int, width: int, height: int, container_id: str | None = None) -> Spot:
        """Remember where a device or port is."""
        made = Spot(end=end, x=x, y=y, width=width, height=height, container_id=container_id)
        self.spots.append(made)
        return made

    def is_at(self, spot: Spot) -> bool:
        """Whether the cursor is on it."""
        return spot.end == self._cursor

    def marked(self, name: str, spot: Spot) -> str:
        """A name, with a mark before it where the cursor is."""
        return f"▸ {name}" if self.is_at(spot) else name

    def tone(self, spot: Spot, otherwise: Tone) -> Tone:
        """Of a name."""
        return Tone.LIT if self.is_at(spot) else otherwise

    def spans(self, x: int, y: int, of: Line) -> None:
        """A line at a place."""
        for span in of:
            self.canvas.text(x, y, span.text, span.tone)
            x += len(span.text)
