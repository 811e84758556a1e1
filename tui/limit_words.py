"""Limits as people write them into fields: what each field is called, what may stand in it, and what it means empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from engine.compile import notation
from engine.errors import InvalidRequest
from engine.limits import DeviceLimit, Limits

Value = int | float | str | tuple[DeviceLimit, ...]

_LEAST_MEMORY_BYTES = 6 << 20
_UNITS = (("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))


class FieldError(InvalidRequest):
    """A field that can't be right.

    Attributes:
        field: its name in the form.
    """

    def __init__(self, field: str, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.field = field


class Word(Struct, frozen=True, kw_only=True):
    """One limit in a form.

    Attributes:
        name: of the field, and of the word in a list such as ``shares=512``.
        field: of `Limits`.
        label: stands before it.
        hint: stands in it while it is empty.
        parse: from text to a value; raises `InvalidRequest`.
        write: from a value to text.
        lifted: what an emptied field means; None where a limit of this kind can only be changed.
    """

    name: str
    field: str
    label: str
    hint: str
    parse: Callable[[str], Value]
    write: Callable[[Value], str] = str
    lifted: Value | None = None

    def value(self, text: str) -> Value:
        """What stands in the field.

        Raises:
            FieldError: it can't be right.
        """
        try:
            return self.parse(text.strip())
        except InvalidRequest as error:
            raise FieldError(self.name, error.cause, error.remedy) from error

    def text_of(self, limits: Limits) -> str:
        """How the field is filled for these limits; empty without one."""
        value = getattr(limits, self.field)
        return "" if value in (None, (), -1) else self.write(value)


def limits_of(texts: Iterable[tuple[Word, str]]) -> Limits:
    """The limits that fields stand for; empty ones ask for nothing.

    Raises:
        FieldError: the first field that can't be right.
    """
    return _limits([(word, word.value(text)) for word, text in texts if text.strip()])


def change_of(before: Iterable[tuple[Word, str]], after: Iterable[tuple[Word, str]]) -> Limits:
    """The limits that were changed in a form; emptied ones are lifted.

    Raises:
        FieldError: the first field that can't be right.
    """
    old = {word.name: text for word, text in before}
    return _limits([(word, _changed(word, old, text)) for word, text in after if text.strip() != old[word.name]])


def _changed(word: Word, old: dict[str, str], text: str) -> Value:
    if word.field in _RATES:
        kept = word.value(text) if text.strip() else ()
        return _with_lifted(word.value(old[word.name]) if old[word.name] else (), kept)
    if text.strip():
        return word.value(text)
    if word.lifted is None:
        raise FieldError(word.name, f"{word.label} can be changed, but not taken away", f"such as {word.hint}")
    return word.lifted


def _with_lifted(before: Value, after: Value) -> Value:
    """Rates of devices that aren't named any more are 0, which lifts them."""
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    named = {each.device for each in after}
    lifted = (DeviceLimit(each.device, 0) for each in before if each.device not in named)
    return (*lifted, *after)  # of two names for one disk the later counts


def _limits(values: list[tuple[Word, Value]]) -> Limits:
    return Limits(**{word.field: value for word, value in values})  # type: ignore[arg-type]  # each word knows its type


def memory_text(value: Value) -> str:
    """Bytes in the largest unit that divides them."""
    assert isinstance(value, int)
    return next((f"{value // unit}{name}" for name, unit in _UNITS if value and value % unit == 0), str(value))


def _memory(text: str) -> int:
    try:
        count = notation.size_bytes(text)
    except (InvalidRequest, OverflowError) as error:
        raise InvalidRequest(f"{text!r} isn't an amount", "such as 256m or 1.5g") from error
    if count < _LEAST_MEMORY_BYTES:
        raise InvalidRequest("nothing can start in less than 6m", "give it more")
    return count


def _memory_or_none(text: str) -> int:
    return -1 if text == "-1" else _memory(text)


def _cpus(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} isn't a number", "such as 1.5") from error
    if not 0.01 <= value <= 10_000:
        raise InvalidRequest("at least a hundredth of a processor is needed", "such as 0.5")
    return value


def _pids(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InvalidRequest(f"{text!r} isn't a number of processes", "such as 512")
    return int(text)


def _between(least: int, most: int, example: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise InvalidRequest(f"{text!r} isn't a number from {least} to {most}", f"such as {example}")
        return int(text)

    return parse


def _list(text: str) -> str:
    if not text or not set(text) <= set("0123456789,-"):
        raise InvalidRequest(f"{text!r} isn't a list of processors", "such as 0-3,7")
    return text


def _rates(of: Callable[[str], int]) -> Callable[[str], tuple[DeviceLimit, ...]]:
    """Words such as ``/dev/sda:10m``; a device by number has a colon of its own."""

    def parse(text: str) -> tuple[DeviceLimit, ...]:
        found = []
        for word in text.split():
            device, colon, rate = word.rpartition(":")
            if not colon or not device:
                raise InvalidRequest(f"{word!r} isn't a device with a rate", "such as /dev/sda:10m")
            found.append(DeviceLimit(device, of(rate)))
        return tuple(found)

    return parse


def _rates_text(write: Callable[[Value], str]) -> Callable[[Value], str]:
    def text(value: Value) -> str:
        assert isinstance(value, tuple)
        return " ".join(f"{each.device}:{write(each.value)}" for each in value)

    return text


def _cpus_text(value: Value) -> str:
    return f"{value:g}"


_BYTES = _rates(notation.size_bytes)
_OPERATIONS = _rates(_between(1, 10**9, "100"))

MEMORY = Word(
    name="memory", field="memory_bytes", label="memory", hint="no limit · 256m, 1.5g", parse=_memory,
    write=memory_text, lifted=-1,
)  # fmt: skip
CPUS = Word(
    name="cpus", field="cpus", label="cpus", hint="no limit · 1.5", parse=_cpus, write=_cpus_text, lifted=-1
)  # fmt: skip
PIDS = Word(name="pids", field="pids", label="processes", hint="no limit · 512", parse=_pids, lifted=-1)
FURTHER = (
    Word(
        name="swap", field="memory_swap_bytes", label="with swap", hint="twice as much · 512m",
        parse=_memory_or_none, write=memory_text, lifted=-1,
    ),
    Word(
        name="high", field="memory_high_bytes", label="slowed from", hint="never · 200m, on cgroup v2", parse=_memory,
        write=memory_text, lifted=-1,
    ),
    Word(
        name="reserved", field="memory_reservation_bytes", label="left with", hint="nothing · 64m when it is short",
        parse=_memory, write=memory_text, lifted=-1,
    ),
    Word(
        name="shares", field="cpu_shares", label="shares", hint="1024 · 2 to 262144", parse=_between(2, 262_144, "512"),
        lifted=1024,
    ),
    Word(name="cpuset", field="cpuset_cpus", label="on cpus", hint="all · 0-3,7", parse=_list),
    Word(
        name="weight", field="io_weight", label="disk weight", hint="100 · 10 to 1000",
        parse=_between(10, 1_000, "200"), lifted=100,
    ),
    Word(
        name="reading", field="device_read_bytes", label="reading", hint="no limit · /dev/sda:10m", parse=_BYTES,
        write=_rates_text(memory_text), lifted=(),
    ),
    Word(
        name="writing", field="device_written_bytes", label="writing", hint="no limit · /dev/sda:10m", parse=_BYTES,
        write=_rates_text(memory_text), lifted=(),
    ),
    Word(
        name="reads", field="device_reads", label="reads", hint="no limit · /dev/sda:200 a second", parse=_OPERATIONS,
        write=_rates_text(str), lifted=(),
    ),
    Word(
        name="writes", field="device_writes", label="writes", hint="no limit · /dev/sda:200 a second",
        parse=_OPERATIONS, write=_rates_text(str), lifted=(),
    ),
)  # fmt: skip
EVERY = (MEMORY, *FURTHER[:3], CPUS, *FURTHER[3:5], PIDS, *FURTHER[5:])
"""All words, in the order of the form."""

_RATES = frozenset(word.field for word in FURTHER if word.lifted == ())
