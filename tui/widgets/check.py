"""A box to tick that says with a sign, not with a colour alone, whether it is."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Check(Checkbox):
    """``[✓]`` or ``[ ]``, and words."""

    DEFAULT_CSS = """
    Check > .toggle--button { color: $muted; background: transparent; }
    Check.-on > .toggle--button { color: $accent; background: transparent; }
    Check:focus > .toggle--button { background: transparent; }
    Check > .toggle--label { color: $muted; }
    Check.-on > .toggle--label { color: $foreground; }
    """

    @property
    def _button(self) -> Content:
        """The box."""
        return Content.styled("[✓]" if self.value else "[ ]", self.get_visual_style("toggle--button"))
