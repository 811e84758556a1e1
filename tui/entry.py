"""The ``boxdeck`` command: without a verb the app, otherwise the command line."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from typing import TYPE_CHECKING

from engine import standard_streams
from engine.errors import BoxdeckError, InvalidRequest, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import Engine
    from engine.config.app_side import Doubt, KeyInForce
    from engine.config.model import Config
    from tui.live import Live

_OPTIONS = ("--root", "--runroot", "--theme")
_WEB = "--web"
_WITHOUT_CURSOR = ("dumb", "unknown")
_CALM_SECONDS = 0.1  # the first numbers come before what they don't need
_READY_SECONDS = 2.0
_SERVED = "textual.drivers.web_driver:WebDriver"


def main() -> int:
    """Run the app or the command line; returns the exit status."""
    standard_streams.replace_closed()
    arguments = sys.argv[1:]
    try:
        options = _app_options(arguments)
    except InvalidRequest as error:
        return _fail(error)
    if options is None:
        _import_msgspec()
        from engine.cli.main import main as command_line
        from engine.config import app_side

        app_side.checks.append(_doubts)
        app_side.key_lists.append(_keys)
        return command_line(arguments)
    gc.disable()  # what is imported stays: looking for garbage among it costs a tenth of the start
    try:
        return _run_app(options)
    finally:
        gc.freeze()  # nor has the end of the process to look for it
        gc.enable()


def _import_msgspec() -> None:
    """Import it without typing_extensions, which it asks first for what typing has: a tenth of a command's start."""
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


def _app_options(arguments: list[str]) -> dict[str, str] | None:
    """The options, when there's nothing but options of the app; None when a verb or anything else is there."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == _WEB:
            options[name] = value if equals else "0"
            continue
        if name not in _OPTIONS:
            return None
        if not equals and not rest:
            raise InvalidRequest(f"{name} needs a value", f"such as {name} VALUE")
        options[name] = value if equals else rest.pop(0)
    return options


def _doubts(config: Config) -> list[Doubt]:
    from tui import key_views, themes  # a command line without settings in it starts without Textual

    return [*themes.doubts(config), *key_views.doubts(config)]


def _keys(config: Config) -> Iterator[KeyInForce]:
    from tui import key_views

    return key_views.list_keys(config)


def _run_app(options: dict[str, str]) -> int:
    import asyncio  # the command line doesn't always need it, and starts without

    try:
        if _WEB in options:
            return _serve(options)
        if not ((sys.stdin.isatty() and sys.stderr.isatty()) or _is_served()):  # Textual paints on stderr
            raise InvalidRequest("the app needs a terminal", "see `boxdeck --help` for commands that don't")
        if os.environ.get("TERM") in _WITHOUT_CURSOR:  # Rich takes any such for 80 by 25 cells, and would paint on
            raise InvalidRequest(
                f"the app needs a terminal that moves its cursor, and TERM is {os.environ['TERM']!r}",
                "if yours does, say so: TERM=xterm-256color boxdeck",
            )
        sys.stdout.write(asyncio.run(_app(options)))
    except Unsupported as error:
        return _examined(error, options)
    except BoxdeckError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    return 0


def _examined(error: BoxdeckError, options: dict[str, str]) -> int:
    """Say what is wrong, and all that this machine has and lacks with the commands that mend it."""
    from engine.cli.main import main as command_line

    status = _fail(error)
    sys.stderr.write("\n")
    roots = [f"{name}={value}" for name, value in options.items() if name in ("--root", "--runroot")]
    command_line([*roots, "doctor"])
    return status


def _is_served() -> bool:
    """Whether a browser shows this app: textual-serve talks to it through pipes, in Textual's own protocol."""
    return os.environ.get("TEXTUAL_DRIVER") == _SERVED


def _serve(options: dict[str, str]) -> int:
    from tui import web

    port = web.parse_port(options[_WEB])
    web.serve([f"{name}={value}" for name, value in options.items() if name != _WEB], port)
    return 0


async def _app(options: dict[str, str]) -> str:
    """Run the app to its end; returns what to say then."""
    import asyncio

    from engine import Engine

    async with Engine.open(options.get("--root"), options.get("--runroot")) as engine:
        from msgspec.structs import replace

        from engine.config.reading import read
        from tui.app import BoxdeckApp
        from tui.kept_file import state_folder

        config = read().config  # what is wrong in it the app says
        if "--theme" in options:
            config = replace(config, theme=options["--theme"])

        app = BoxdeckApp(engine, config, state_folder())
        app.garbage.is_last = True
        settling = asyncio.create_task(_settle(app.live, engine))
        await app.run_async()
        settling.cancel()
        if _is_served():
            return ""
        return farewell(app.deck.running_count, "boxdeck" if shutil.which("boxdeck") else sys.argv[0])


async def _settle(live: Live, engine: Engine) -> None:
    """What the first frame doesn't need comes after it."""
    import asyncio

    await live.shown()
    await asyncio.sleep(_CALM_SECONDS)
    engine.xrays.record_starts()
    gc.freeze()
    gc.enable()
    await asyncio.sleep(_READY_SECONDS)
    await asyncio.to_thread(engine.get_ready)


def farewell(running: int, command: str = "boxdeck") -> str:
    """What the terminal says after the app has gone; `command` is what starts it again."""
    if not running:
        return ""
    words = "container keeps" if running == 1 else "containers keep"
    return f"{running} {words} running; `{command}` shows {'it' if running == 1 else 'them'} again.\n"


def _fail(error: BoxdeckError) -> int:
    sys.stderr.write(f"boxdeck: {error}\n")
    return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
