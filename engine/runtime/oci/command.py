"""One command line: flags that all verbs share, and a verb (OCI runtime spec, runtime.md, "Operations")."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

from engine.errors import BoxdeckError, InvalidRequest
from engine.runtime.oci import flags, usage
from engine.runtime.oci.log import Log
from engine.runtime.oci.settings import FLAGS, Settings
from engine.runtime.oci.verb import Call, Verb

# Each is a file of this folder; only that of the verb that was called is read.
VERBS = (
    "create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "resume", "run", "spec", "start",
    "state", "update",
)  # fmt: skip


class Command:
    """One command line on its way from words to an exit status."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._log = Log(Settings())
        self._failure_status = 1

    def run(self) -> int:
        """Do it, or say why not; returns the exit status."""
        try:
            return self._run()
        except BrokenPipeError:  # whoever read our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        except BoxdeckError as error:
            self._log.fail(error)
        except OSError as error:
            self._log.fail(BoxdeckError(str(error)))
        except KeyboardInterrupt:
            self._log.fail(BoxdeckError("interrupted"))
        except Exception as error:  # whatever it was, callers read one sentence, and no traceback
            self._log.fail(BoxdeckError(f"boxdeck-oci failed ({type(error).__name__}: {error})", "please report this"))
        return self._failure_status

    def _run(self) -> int:
        values, words = flags.parse(self._arguments, FLAGS, interspersed=False)
        settings = flags.read(values, Settings)
        self._log = Log(settings)
        if settings.version:
            return usage.print_version()
        if settings.help or not words or words[0] in ("help", "h"):
            return usage.print_overview([(name, load(name)) for name in VERBS])
        if words[0] not in VERBS:
            raise InvalidRequest(f"there is no verb {words[0]!r}", f"choose one of {', '.join(VERBS)}")
        return self._call(words[0], words[1:], settings)

    def _call(self, name: str, arguments: Sequence[str], settings: Settings) -> int:
        verb = load(name)
        self._failure_status = verb.failure_status
        values, words = flags.parse(arguments, (*verb.flags, usage.HELP), verb.interspersed)
        if values.pop("help", False):
            return usage.print_verb(name, verb)
        verb.check(name, words)
        self._log.debug(" ".join((name, *arguments)))
        return verb.action(Call(settings, self._log, flags.read(values, verb.options), words))


def load(name: str) -> Verb:
    """The verb of a name."""
    verb: Verb = importlib.import_module(f"engine.runtime.oci.{name}").VERB
    return verb
