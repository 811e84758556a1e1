"""What ``boxdeck doctor`` finds, as JSON."""

from __future__ import annotations

from engine.cli.documents import Document


class PartDocument(Document, frozen=True, kw_only=True):
    """One thing that is needed; the verdict is ``good``, ``limited`` or ``missing``."""

    name: str
    verdict: str
    says: str
    remedy: str
    effect: str
