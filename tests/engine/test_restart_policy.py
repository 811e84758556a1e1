"""When a policy wants a container to be started again, and after which while."""

from __future__ import annotations

import pytest

from engine.errors import InvalidRequest
from engine.restart_policy import Restart, RestartPolicy, check, next_restart, policy_of

NOW = 1_700_000_000 * 10**9
ALWAYS = RestartPolicy(name="always")


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("no", RestartPolicy()),
        ("always", ALWAYS),
        ("unless-stopped", RestartPolicy(name="unless-stopped")),
        ("on-failure", RestartPolicy(name="on-failure")),
        ("on-failure:5", RestartPolicy(name="on-failure", most=5)),
    ],
)
def test_policies_are_dockers_words(text: str, policy: RestartPolicy) -> None:
    assert policy_of(text) == policy and str(policy) == text


@pytest.mark.parametrize("text", ["", "never", "always:3", "on-failure:", "on-failure:x", "on-failure:-1", "Always"])
def test_other_words_are_none(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is no restart policy: choose one of no, on-failure"):
        policy_of(text)


def test_what_is_removed_at_its_end_is_not_restarted() -> None:
    check(RestartPolicy(), auto_remove=True)
    with pytest.raises(InvalidRequest, match="can't be restarted"):
        check(ALWAYS, auto_remove=True)


def test_delays_double_up_to_a_minute_and_begin_anew_after_a_healthy_run() -> None:
    restart: Restart | None = None
    delays = []
    for _ in range(12):
        restart = next_restart(ALWAYS, restart, 0, 0.5, NOW)
        assert restart is not None and restart.at_unix_ns == NOW + round(restart.delay_seconds * 1e9)
        delays.append(restart.delay_seconds)
    assert delays[:5] == [0.1, 0.2, 0.4, 0.8, 1.6] and delays[-2:] == [60.0, 60.0]
    after = next_restart(ALWAYS, restart, 0, 10.0, NOW)
    assert after is not None and (after.delay_seconds, after.count) == (0.1, 13)


def test_failures_are_counted_and_success_ends_it() -> None:
    policy, restart = RestartPolicy(name="on-failure", most=2), None
    for count in (1, 2):
        restart = next_restart(policy, restart, 3, 0.1, NOW)
        assert restart is not None and restart.count == count
    assert next_restart(policy, restart, 3, 0.1, NOW) is None
    assert next_restart(policy, None, 0, 0.1, NOW) is None
    assert next_restart(RestartPolicy(), None, 3, 0.1, NOW) is None
