"""Limits as people write them into fields: what each field is called, what may stand in it, and what it means empty."""

from __future__ import annotations

import shlex
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from engine.cgroups import raw_settings
from engine.cli import limit_values
from engine.compile import notation
from engine.errors import InvalidRequest
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits

Item = DeviceLimit | HugetlbLimit | CgroupSetting
Value = bool | int | float | str | tuple[Item, ...]

_LEAST_MEMORY_BYTES = 6 << 20
_USUAL_WEIGHT = 100
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
        lift: from one of a list, of which there may be several in the field, to what lifts it when it has gone from
            there; None where the field has no list.
    """

    name: str
    field: str
    label: str
    hint: str
    parse: Callable[[str], Value]
    write: Callable[[Value], str] = str
    lifted: Value | None = None
    lift: Callable[[Item], Item] | None = None

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


def as_set(own: Limits) -> Limits:
    """What a control group has, without raw settings that are limits with names, as the kernel counts them."""
    return replace(own, unified=tuple(each for each in own.unified if each.file not in raw_settings.NAMED))


def change_of(before: Iterable[tuple[Word, str]], after: Iterable[tuple[Word, str]]) -> Limits:
    """The limits that were changed in a form; emptied ones are lifted.

    Raises:
        FieldError: the first field that can't be right.
    """
    old = {word.name: text for word, text in before}
    return _limits([(word, _changed(word, old, text)) for word, text in after if text.strip() != old[word.name]])


def _changed(word: Word, old: dict[str, str], text: str) -> Value:
    if word.lift is not None:
        before, after = (word.value(each) if each.strip() else () for each in (old[word.name], text))
        return _list_change(word, word.lift, before, after)
    if text.strip():
        return word.value(text)
    if word.lifted is None:
        raise FieldError(word.name, f"{word.label} can be changed, but not taken away", f"such as {word.hint}")
    return word.lifted


def _list_change(word: Word, lift: Callable[[Item], Item], before: Value, after: Value) -> Value:
    """What is new in a list, after what lifts the rest: of two names for one disk the later counts."""
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    named = {_what(each) for each in after}
    try:
        lifted = tuple(lift(each) for each in before if _what(each) not in named)
    except InvalidRequest as error:
        raise FieldError(word.name, error.cause, error.remedy) from error
    return (*lifted, *(each for each in after if each not in before))


def _what(item: Item) -> str:
    """Which disk, size of pages or file it is about."""
    match item:
        case DeviceLimit():
            return item.device
        case HugetlbLimit():
            return item.page_size
        case CgroupSetting():
            return f"{item.file} {raw_settings.line_key(item.value)}"


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


def _list(of: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text or not set(text) <= set("0123456789,-"):
            raise InvalidRequest(f"{text!r} isn't a list of {of}", "such as 0-3,7")
        return text

    return parse


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise InvalidRequest(f"{text!r} is neither yes nor no")
    return text.lower() == "yes"


def _yes_or_no_text(value: Value) -> str:
    return "yes" if value else "no"


def _words(of: Callable[[str], Item], example: str) -> Callable[[str], tuple[Item, ...]]:
    """Words as the command line reads them, with blanks between; quotes keep those that belong to one."""

    def parse(text: str) -> tuple[Item, ...]:
        try:
            return tuple(of(word) for word in shlex.split(text))
        except (ArgumentTypeError, ValueError) as error:
            raise InvalidRequest(str(error), f"such as {example}") from error

    return parse


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
        return " ".join(f"{each.device}:{write(each.value)}" for each in value if isinstance(each, DeviceLimit))

    return text


def _huge_pages_text(value: Value) -> str:
    assert isinstance(value, tuple)
    pages = (each for each in value if isinstance(each, HugetlbLimit) and each.limit_bytes >= 0)
    return " ".join(f"{each.page_size}:{memory_text(each.limit_bytes)}" for each in pages)


def _settings_text(value: Value) -> str:
    """A word for each line of a file."""
    assert isinstance(value, tuple)
    lines = ((each.file, line) for each in value if isinstance(each, CgroupSetting) for line in each.value.splitlines())
    return shlex.join(f"{file}={line}" for file, line in lines)


def _lift_rate(item: Item) -> Item:
    assert isinstance(item, DeviceLimit)
    return DeviceLimit(item.device, 0)


def _lift_weight(item: Item) -> Item:
    assert isinstance(item, DeviceLimit)
    return DeviceLimit(item.device, _USUAL_WEIGHT)


def _lift_pages(item: Item) -> Item:
    assert isinstance(item, HugetlbLimit)
    return HugetlbLimit(item.page_size, -1)


def _lift_setting(item: Item) -> Item:
    """No file of v2 says by itself what it held at first."""
    assert isinstance(item, CgroupSetting)
    raise InvalidRequest(f"{item.file} can be changed, but not taken away", f"such as {item.file}=max")


def _cpus_text(value: Value) -> str:
    return f"{value:g}"


_BYTES = _rates(notation.size_bytes)
_OPERATIONS = _rates(_between(1, 10**9, "100"))
_MICROSECONDS = _between(1_000, 1_000_000, "50000")

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
    Word(name="cpuset", field="cpuset_cpus", label="on cpus", hint="all · 0-3,7", parse=_list("processors")),
    Word(
        name="weight", field="io_weight", label="disk weight", hint="100 · 10 to 1000",
        parse=_between(10, 1_000, "200"), lifted=_USUAL_WEIGHT,
    ),
    Word(
        name="reading", field="device_read_bytes", label="reading", hint="no limit · /dev/sda:10m", parse=_BYTES,
        write=_rates_text(memory_text), lift=_lift_rate,
    ),
    Word(
        name="writing", field="device_written_bytes", label="writing", hint="no limit · /dev/sda:10m", parse=_BYTES,
        write=_rates_text(memory_text), lift=_lift_rate,
    ),
    Word(
        name="reads", field="device_reads", label="reads", hint="no limit · /dev/sda:200 a second", parse=_OPERATIONS,
        write=_rates_text(str), lift=_lift_rate,
    ),
    Word(
        name="writes", field="device_writes", label="writes", hint="no limit · /dev/sda:200 a second",
        parse=_OPERATIONS, write=_rates_text(str), lift=_lift_rate,
    ),
    Word(
        name="weights", field="device_weights", label="disk weights", hint="100 · /dev/sda:200",
        parse=_rates(_between(10, 1_000, "200")), write=_rates_text(str), lift=_lift_weight,
    ),
    Word(
        name="quota", field="cpu_quota_usec", label="cpu quota", hint="no limit · 50000 µs in each period",
        parse=_MICROSECONDS, lifted=-1,
    ),
    Word(
        name="period", field="cpu_period_usec", label="cpu period", hint="100000 · 1000 to 1000000 µs",
        parse=_MICROSECONDS, lifted=100_000,
    ),
    Word(
        name="burst", field="cpu_burst_usec", label="cpu burst", hint="nothing · 10000 µs of quota may be saved up",
        parse=_between(0, 1_000_000, "10000"), lifted=0,
    ),
    Word(
        name="idle", field="cpu_idle", label="cpu idle", hint="no · yes: only time that nobody else wants",
        parse=_yes_or_no, write=_yes_or_no_text, lifted=False,
    ),
    Word(name="nodes", field="cpuset_mems", label="on nodes", hint="all · 0-1", parse=_list("memory nodes")),
    Word(
        name="pages", field="hugetlb", label="huge pages", hint="no limit · 2MB:64m",
        parse=_words(limit_values.huge_pages, "2MB:64m"), write=_huge_pages_text, lift=_lift_pages,
    ),
    Word(
        name="raw", field="unified", label="raw", hint="none · memory.min=64M, on cgroup v2",
        parse=_words(limit_values.setting, "memory.min=64M"), write=_settings_text, lift=_lift_setting,
    ),
    Word(
        name="swappiness", field="memory_swappiness", label="swappiness", hint="60 · 0 to 100, on cgroup v1",
        parse=_between(0, 100, "10"),
    ),
    Word(
        name="unkilled", field="oom_kill_disable", label="never killed",
        hint="no · yes: waits when memory is short, on cgroup v1", parse=_yes_or_no, write=_yes_or_no_text,
        lifted=False,
    ),
    Word(
        name="realtime", field="cpu_rt_runtime_usec", label="realtime", hint="none · 5000 µs a period, on cgroup v1",
        parse=_MICROSECONDS,
    ),
    Word(
        name="rt-period", field="cpu_rt_period_usec", label="its periods", hint="1000000 µs, on cgroup v1",
        parse=_MICROSECONDS,
    ),
)  # fmt: skip
EVERY = (MEMORY, *FURTHER[:3], CPUS, *FURTHER[3:5], PIDS, *FURTHER[5:])
"""All words, in the order of the form."""
