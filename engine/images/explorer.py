"""The layer explorer: a stack of an image's layers, or of a container's with its own on top. Blocks on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.errors import NotFound
from engine.images import layer_files
from engine.images.efficiency import efficiency, waste
from engine.images.fingerprint import fingerprint
from engine.images.monitor import Monitor
from engine.images.stack import Owners, Stack, nobody_counts
from engine.images.steps import assign
from engine.model import Layer
from engine.model.layer import LayerFile, Waste
from engine.oci.image_spec import History
from engine.paths import Paths


class OwnLayer(NamedTuple):
    """A container's upper directory, and what the ids of its files are inside."""

    folder: str
    owners: Owners


class Explorer:
    """Everything that is to be told of a stack of layers; made once, asked often.

    Args:
        diff_ids: of the layers, the lowest first.
        history: how their image came to be.
        own: a container's own layer.
        monitor: is told how many files were read, and can stop it.
    """

    def __init__(
        self,
        paths: Paths,
        diff_ids: Sequence[str],
        history: Sequence[History] = (),
        own: OwnLayer | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        advance = monitor.step("Reading layers") if monitor is not None else nobody_counts
        self.stack = Stack()
        self._own = own
        self._diff_ids = (*diff_ids, "") if own is not None else tuple(diff_ids)
        self._instructions = {diff_id: step.created_by or "" for step, diff_id in assign(history, diff_ids) if diff_id}
        for diff_id in diff_ids:
            self.stack.lay(str(paths.layer(diff_id)), diff_id, advance=advance)
        if own is not None:
            self._lay_own(own)

    def renew(self) -> bool:
        """Read a container's own layer again, if anything in it has changed since; whether it has."""
        if self._own is None or fingerprint(self._own.folder) == self._own_fingerprint:
            return False
        self.stack.peel()
        self._lay_own(self._own)
        return True

    def _lay_own(self, own: OwnLayer) -> None:
        self._own_fingerprint = fingerprint(own.folder)  # first, so that what changes meanwhile is seen the next time
        self.stack.lay(own.folder, owners=own.owners, passing=True)

    def layers(self) -> tuple[Layer, ...]:
        """The layers in numbers, the lowest first."""
        return tuple(
            Layer(
                number=number,
                diff_id=diff_id,
                instruction=self._instructions.get(diff_id, "") if diff_id else "the container's own",
                size_bytes=tally.size_bytes,
                wasted_bytes=tally.wasted_bytes,
                **tally.counts,
            )
            for number, (diff_id, tally) in enumerate(zip(self._diff_ids, self.stack.tallies, strict=True), start=1)
        )

    def files(self, layer: int | None = None) -> LayerFile:
        """The root folder, with everything in it.

        Args:
            layer: as it is on top of this layer, with what that does to it; None for what all layers make of it
                together: changed is what more than one has a hand in.
        """
        return layer_files.root(self.stack, layer)

    @property
    def efficiency(self) -> float:
        """The share of all files' bytes that is needed, from 0 to 1, as ``dive`` counts it."""
        return efficiency(self.stack)

    def waste(self) -> tuple[Waste, ...]:
        """Files that lower layers hold and nobody sees, the largest first."""
        return tuple(sorted(waste(self.stack), key=lambda each: (-each.wasted_bytes, each.path)))

    def require(self, path: str) -> None:
        """See that some layer has, or had, a path.

        Raises:
            NotFound: none does.
        """
        if self.stack.find(path) is None:
            raise NotFound(f"no layer has {path}", "see what there is with: boxdeck image tree")
