"""Mouse events as a process asked libghostty for them."""

from __future__ import annotations

from typing import Any

from tui.terminal.emulator import MouseAction, MouseReport
from tui.terminal.ghostty_library import ffi, lib, owned, sized

_ACTIONS = {
    MouseAction.PRESS: lib.GHOSTTY_MOUSE_ACTION_PRESS,
    MouseAction.RELEASE: lib.GHOSTTY_MOUSE_ACTION_RELEASE,
    MouseAction.MOVE: lib.GHOSTTY_MOUSE_ACTION_MOTION,
}
_BUTTONS = {
    0: lib.GHOSTTY_MOUSE_BUTTON_LEFT,
    1: lib.GHOSTTY_MOUSE_BUTTON_MIDDLE,
    2: lib.GHOSTTY_MOUSE_BUTTON_RIGHT,
    64: lib.GHOSTTY_MOUSE_BUTTON_FOUR,
    65: lib.GHOSTTY_MOUSE_BUTTON_FIVE,
}
_MODIFIERS = (("shift", 1), ("ctrl", 2), ("meta", 4))  # GHOSTTY_MODS_SHIFT, _CTRL, _ALT
_REPORT_BYTES = 64


class MouseEncoder:
    """Knows which buttons are held, since a move doesn't tell."""

    def __init__(self) -> None:
        self._encoder = owned("GhosttyMouseEncoder", lib.ghostty_mouse_encoder_new, lib.ghostty_mouse_encoder_free)
        self._event = owned("GhosttyMouseEvent", lib.ghostty_mouse_event_new, lib.ghostty_mouse_event_free)
        self._held: set[int] = set()

    def encode(self, terminal: Any, report: MouseReport, columns: int, rows: int) -> bytes:
        """An event's bytes; none when the process doesn't want it."""
        if report.action is MouseAction.PRESS and report.button <= 2:  # the wheel has no release
            self._held.add(report.button)
        elif report.action is MouseAction.RELEASE:
            self._held.discard(report.button)
        self._ask(terminal, columns, rows)
        self._say(report)
        text, length = ffi.new("char[]", _REPORT_BYTES), ffi.new("size_t*")
        lib.ghostty_mouse_encoder_encode(self._encoder, self._event, text, _REPORT_BYTES, length)
        return bytes(ffi.buffer(text, length[0]))

    def _ask(self, terminal: Any, columns: int, rows: int) -> None:
        size = sized("GhosttyMouseEncoderSize")
        size.screen_width, size.screen_height, size.cell_width, size.cell_height = columns, rows, 1, 1
        lib.ghostty_mouse_encoder_setopt_from_terminal(self._encoder, terminal)
        lib.ghostty_mouse_encoder_setopt(self._encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE, size)
        held = ffi.new("bool*", bool(self._held))
        lib.ghostty_mouse_encoder_setopt(self._encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_ANY_BUTTON_PRESSED, held)

    def _say(self, report: MouseReport) -> None:
        button = min(self._held, default=None) if report.action is MouseAction.MOVE else report.button
        lib.ghostty_mouse_event_set_action(self._event, _ACTIONS[report.action])
        if button is None:
            lib.ghostty_mouse_event_clear_button(self._event)
        else:
            lib.ghostty_mouse_event_set_button(self._event, _BUTTONS[button])
        lib.ghostty_mouse_event_set_mods(self._event, sum(bit for name, bit in _MODIFIERS if getattr(report, name)))
        lib.ghostty_mouse_event_set_position(self._event, (report.column + 0.5, report.row + 0.5))
