"""How an image came to be, step by step, with the layers that the steps have made."""

from __future__ import annotations

from collections.abc import Sequence

from engine.images.layer_store import LayerStore
from engine.images.records import ImageRecord
from engine.model import HistoryStep
from engine.oci.image_spec import ConfigDocument, History, parse_time
from engine.paths import Paths


def steps(paths: Paths, image: ImageRecord, document: ConfigDocument) -> tuple[HistoryStep, ...]:
    """The latest first. Blocks: it looks at every file of the layers to tell their sizes."""
    layers = LayerStore(paths)
    told = assign(document.history or (), image.layers)
    return tuple(
        HistoryStep(
            created_unix_ns=parse_time(step.created),
            instruction=step.created_by or "",
            comment=step.comment or "",
            diff_id=diff_id,
            size_bytes=layers.size(diff_id) if diff_id else 0,
        )
        for step, diff_id in reversed(told)
    )


def assign(history: Sequence[History], layers: Sequence[str]) -> list[tuple[History, str]]:
    """Which step made which layer; layers that no step tells of come first, as if of a step without words."""
    made = [step for step in history if not step.empty_layer]
    silent = list(layers[: max(len(layers) - len(made), 0)])
    told = list(layers[len(silent) :])
    steps_told = [(step, told.pop(0) if not step.empty_layer and told else "") for step in history]
    return [*((History(), diff_id) for diff_id in silent), *steps_told]
