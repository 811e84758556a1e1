"""The selection stays where a person left it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.model import ContainerSample, CpuSample, HostSample, Snapshot
from tests.tui.fake_engine import container, crowd
from tui.deck import Deck
from tui.history import CAPACITY, History
from tui.sorting import Order

ONE, TWO, THREE = container(1, "web"), container(2, "db"), container(3, "cache")


def deck_of(*containers: object) -> Deck:
    deck = Deck()
    deck.take_containers(containers)  # type: ignore[arg-type]
    return deck


def name(deck: Deck) -> str | None:
    return deck.selected.name if deck.selected is not None else None


def test_the_first_container_is_selected_at_first() -> None:
    assert deck_of(ONE, TWO).selected == ONE
    assert deck_of().selected is None


def test_the_selection_stays_on_its_container_when_others_come_and_go() -> None:
    deck = deck_of(ONE, TWO)
    deck.move(1)
    deck.take_containers((THREE, ONE, TWO))
    assert name(deck) == "db"
    assert deck.selected_index == 2


def test_the_neighbour_takes_the_place_of_a_removed_container() -> None:
    deck = deck_of(ONE, TWO, THREE)
    deck.move(1)
    deck.take_containers((ONE, THREE))
    assert name(deck) == "cache"
    deck.take_containers((ONE,))
    assert name(deck) == "web"
    deck.take_containers(())
    assert name(deck) is None


def test_a_container_that_was_just_run_is_selected_once_it_is_listed() -> None:
    deck = deck_of(ONE, TWO)
    deck.expect(THREE.id)
    assert name(deck) == "web"
    deck.take_containers((ONE, TWO))
    assert name(deck) == "web"
    deck.take_containers((THREE, ONE, TWO))
    assert name(deck) == "cache"
    deck.move(1)
    deck.take_containers((THREE, ONE, TWO))
    assert name(deck) == "web"


def test_a_filter_lists_what_contains_its_text() -> None:
    deck = deck_of(*crowd())
    deck.set_filter("HARB")
    assert [each.name for each in deck.listed] == ["quiet_harbour"]
    assert name(deck) == "quiet_harbour"
    deck.set_filter("nothing like it")
    assert name(deck) is None
    deck.set_filter("")
    assert len(deck.listed) == len(crowd())


steps = st.one_of(
    st.tuples(st.just("move"), st.integers(-9, 9)),
    st.tuples(st.just("list"), st.sets(st.integers(0, 7))),
    st.tuples(st.just("filter"), st.sampled_from(["", "e", "web", "zzz"])),
)


@given(st.lists(steps, max_size=20))
def test_whatever_happens_something_listed_is_selected(happens: list[tuple[str, object]]) -> None:
    deck = deck_of(*crowd())
    for what, value in happens:
        if what == "move":
            deck.move(value)  # type: ignore[arg-type]
        elif what == "list":
            deck.take_containers(tuple(each for n, each in enumerate(crowd()) if n in value))  # type: ignore[operator]
        else:
            deck.set_filter(str(value))
        assert (deck.selected is not None) == bool(deck.listed)
        if deck.selected is not None:
            assert deck.listed[deck.selected_index] == deck.selected


def test_the_selection_stays_while_the_list_is_ordered_anew_every_second() -> None:
    deck = deck_of(ONE, TWO, THREE)
    deck.select(TWO.id)
    deck.set_order(Order.CPU)
    for busy, quiet in ((ONE, TWO), (TWO, ONE)):
        deck.take_snapshot(snapshot(**{busy.id: 50.0, quiet.id: 1.0}))
        assert [each.name for each in deck.listed] == [busy.name, quiet.name, THREE.name]
        assert name(deck) == "db"
        assert deck.listed[deck.selected_index] == TWO
    deck.set_order(Order.NAME)
    assert [each.name for each in deck.listed] == ["cache", "db", "web"]
    assert name(deck) == "db"


def _measured(name: str, percent: float) -> ContainerSample:
    return ContainerSample(container_id=name, cpu=CpuSample(usage_usec=0, percent=percent))


def snapshot(**percents: float) -> Snapshot:
    samples = {name: _measured(name, value) for name, value in percents.items()}
    return Snapshot(taken_unix_ns=0, interval_seconds=1, host=HostSample(cpu_percent=5), containers=samples)


def test_history_keeps_the_curve_of_what_has_ended_until_it_starts_anew() -> None:
    history = History()
    history.record(snapshot(web=1))
    history.record(snapshot())
    assert list(history.of("web").cpu_percent) == [1]
    history.record(snapshot(web=7))
    assert list(history.of("web").cpu_percent) == [7]
    history.keep_only(set())
    assert list(history.of("web").cpu_percent) == []


def test_history_is_bounded() -> None:
    history = History()
    for tick in range(CAPACITY + 5):
        history.record(snapshot(web=tick))
    assert len(history.of("web").cpu_percent) == CAPACITY
    assert len(history.host_cpu_percent) == CAPACITY
