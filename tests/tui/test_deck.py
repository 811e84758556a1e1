"""The selection stays where a person left it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Container, ContainerRequest, ContainerSample, CpuSample, HostSample, Snapshot
from tests.tui.fake_engine import container, crowd
from tui.deck import Deck
from tui.grouping import choices
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


PROJECT = "com.docker.compose.project"


def labelled(number: int, name: str, **labels: str) -> Container:
    return container(number, name, request=ContainerRequest(image="base", labels=labels))


SHOP = (
    labelled(1, "shop-web", **{PROJECT: "shop", "tier": "front"}),
    labelled(2, "blog", **{PROJECT: "blog"}),
    labelled(3, "alone"),
    labelled(4, "shop-db", **{PROJECT: "shop", "tier": "back"}),
)


def shown(deck: Deck) -> list[str]:
    return [row.name if isinstance(row, Container) else f"[{row.group}]" for row in deck.rows]


def test_groups_have_headings_and_what_is_in_none_comes_last() -> None:
    deck = deck_of(*SHOP)
    deck.set_groups("project")
    assert shown(deck) == ["[blog]", "blog", "[shop]", "shop-web", "shop-db", "[]", "alone"]
    assert name(deck) == "shop-web"
    assert deck.selected_index == 3
    deck.set_groups("label:tier")
    assert shown(deck) == ["[back]", "shop-db", "[front]", "shop-web", "[]", "blog", "alone"]
    assert choices(SHOP) == ("", "project", "network", "label:tier")


def test_a_folded_group_is_its_heading_which_keys_on_containers_leave_alone() -> None:
    deck = deck_of(*SHOP)
    deck.set_groups("project")
    deck.fold()
    assert shown(deck) == ["[blog]", "blog", "[shop]", "[]", "alone"]
    assert (deck.selected, deck.selected_id, deck.targets, deck.selected_index) == (None, None, (), 2)
    deck.take_containers(SHOP[1:])  # the heading stays selected while others come and go
    assert deck.selected_index == 2
    deck.take_containers(SHOP)
    deck.reveal(SHOP[3].id)
    assert name(deck) == "shop-db"
    deck.fold()
    deck.mark()
    assert {each.name for each in deck.targets} == {"shop-web", "shop-db"}
    deck.mark()
    assert deck.targets == ()


def test_marks_are_what_keys_act_on_until_their_containers_are_gone() -> None:
    deck = deck_of(*SHOP)
    assert [each.name for each in deck.targets] == ["shop-web"]
    deck.mark()
    deck.move(2)
    deck.mark()
    deck.set_filter("blog")
    assert [each.name for each in deck.targets] == ["shop-web", "alone"]
    deck.take_containers(SHOP[1:])
    assert [each.name for each in deck.targets] == ["alone"]
    deck.set_filter("")
    deck.mark_listed()
    assert len(deck.targets) == 3
    deck.mark_listed()
    assert deck.marked == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("state:run", "web db job-7 quiet_harbour metrics"),
        ("STATE:exited,paused -name:old", "cache broken"),
        ("state:running !image:base web", "web"),
        ("image:prom", "metrics"),
        ("network:none", "job-7"),
        ("-network:bridge state:running", "job-7"),
        ("nginx:1.27", "web"),
        ("state:", "web db job-7 cache old quiet_harbour broken metrics"),
        ("label:tier", ""),
        ("'web", ""),
        ("a3f00d", ""),
        ("-", "web db job-7 cache old quiet_harbour broken metrics"),
    ],
)
def test_terms_of_a_filter(text: str, names: str) -> None:
    deck = deck_of(*crowd())
    deck.set_filter(text)
    assert " ".join(each.name for each in deck.listed) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("label:tier", "shop-web shop-db"),
        ("label:tier=front", "shop-web"),
        ("-label:tier", "blog alone"),
        (f"label:{PROJECT}=shop -label:tier=front", "shop-db"),
    ],
)
def test_terms_on_labels(text: str, names: str) -> None:
    deck = deck_of(*SHOP)
    deck.set_filter(text)
    assert " ".join(each.name for each in deck.listed) == names


def test_what_has_no_number_is_last_whichever_way_round() -> None:
    deck = deck_of(ONE, TWO, THREE)
    deck.take_snapshot(snapshot(**{ONE.id: 5, TWO.id: 50}))
    for is_reversed, names in ((False, "db web cache"), (True, "web db cache")):
        deck.set_order(Order.CPU, is_reversed)
        assert " ".join(each.name for each in deck.listed) == names
    for order in Order:
        deck.set_order(order)
        assert len(deck.listed) == 3


def test_what_was_measured_over_several_ticks_stands_for_each_of_them() -> None:
    deck = deck_of(ONE)
    for second, interval_seconds, percent in ((1, 0.0, None), (2, 1.02, 10.0), (7, 4.97, 50.0), (8, 1.0, 20.0)):
        sample = ContainerSample(container_id=ONE.id, cpu=CpuSample(usage_usec=0, percent=percent))
        deck.take_snapshot(
            Snapshot(
                taken_unix_ns=second * 10**9,
                interval_seconds=interval_seconds,
                host=HostSample(cpu_percent=percent),
                containers={ONE.id: sample},
            )
        )
    assert list(deck.history.of(ONE.id).cpu_percent) == [None, 10.0, 50.0, 50.0, 50.0, 50.0, 50.0, 20.0]
    assert list(deck.history.host_cpu_percent)[-6:] == [50.0] * 5 + [20.0]
    assert [round(tick.at_unix_seconds) for tick in deck.recent.ticks] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert deck.history.interval_seconds == 1.0


def test_containers_that_run_are_counted_anew_in_every_list() -> None:
    deck = deck_of(ONE, TWO)
    assert deck.running_count == 2
    deck.take_containers((ONE,))
    assert deck.running_count == 1
