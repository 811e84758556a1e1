"""Boxdeck's engine: containers from namespaces, cgroups and overlays, without a daemon.

``from engine import Engine`` is the way in. Nothing is imported until it is asked for, so that the
launcher and the shim, which live in this package too, pay for nothing that they don't use.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Engine", "__version__"]

TYPE_CHECKING = False  # as type checkers read it; importing `typing` for it would cost every start of boxdeck-oci
if TYPE_CHECKING:
    from engine.engine import Engine


def __getattr__(name: str) -> object:
    if name == "Engine":
        from engine.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
