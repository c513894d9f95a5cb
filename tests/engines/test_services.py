"""The rules by which services are waited for, tested and started again, without an engine."""

from __future__ import annotations

import pytest

from echolab.engines.services import (
    HEALTHY,
    LONGEST_RUN,
    STARTING,
    UNHEALTHY,
    HealthState,
    Restarts,
    ServiceState,
    last_words,
    waiting,
)
from echolab.errors import CannotRun
from echolab.topology import Health, Host, Need


def test_a_service_is_unhealthy_after_as_many_failures_in_a_row_as_retries() -> None:
    state = HealthState(Health(retries=2), 0.0)
    assert not state.take(30, passed=False)
    assert state.take(60, passed=True) and state.status == HEALTHY
    assert not state.take(90, passed=False)
    assert state.take(120, passed=False) and state.status == UNHEALTHY
    assert state.take(150, passed=True) and state.status == HEALTHY


def test_failures_in_the_start_period_do_not_count_and_checks_come_closer_then() -> None:
    state = HealthState(Health(retries=1, start_period=10, start_interval=1, interval=5), 100.0)
    assert state.pause(100.0) == 1
    state.take(109.0, passed=False)
    assert state.status == STARTING and state.pause(109.0) == 1
    assert state.pause(110.0) == 5
    state.take(110.5, passed=False)
    assert state.status == UNHEALTHY


def test_a_healthy_service_can_get_unhealthy_within_its_start_period() -> None:
    state = HealthState(Health(retries=1, start_period=10), 0.0)
    state.take(1, passed=True)
    assert state.pause(1) == 30
    state.take(2, passed=False)
    assert state.status == UNHEALTHY


def test_pauses_between_restarts_double_up_to_a_minute_and_begin_anew_after_a_steady_run() -> None:
    always = Restarts("always")
    pauses = [always.after(0, 0.0) for _ in range(12)]
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8] and pauses[-2:] == [60.0, 60.0]
    assert always.after(1, 10.0) == 0.1


@pytest.mark.parametrize(
    ("policy", "status", "pauses"),
    [
        ("no", 1, [None]),
        ("on-failure", 0, [None]),
        ("on-failure", 1, [0.1, 0.2, 0.4]),
        ("on-failure:2", -9, [0.1, 0.2, None]),
        ("unless-stopped", 0, [0.1, 0.2]),
    ],
)
def test_a_policy_says_how_often_a_service_is_started_again(
    policy: str, status: int, pauses: list[float | None]
) -> None:
    restarts = Restarts(policy)
    assert [restarts.after(status, 0.0) for _ in pauses] == pauses


def host(condition: str, *, required: bool = True) -> Host:
    return Host("web", ("true",), needs=(Need("db", condition, required),))


@pytest.mark.parametrize(
    ("condition", "state", "blocked"),
    [
        ("service_started", ServiceState(), True),
        ("service_started", ServiceState(started=True), True),
        ("service_started", ServiceState(started=True, answers=True), False),
        ("service_started", ServiceState(started=True, answers=True, status=1), False),
        ("service_healthy", ServiceState(started=True, answers=True, health=STARTING), True),
        ("service_healthy", ServiceState(started=True, health=HEALTHY), False),
        ("service_completed_successfully", ServiceState(started=True, answers=True), True),
        ("service_completed_successfully", ServiceState(started=True, status=0), False),
    ],
)
def test_a_host_waits_until_a_condition_is_met(
    condition: str, state: ServiceState, blocked: bool
) -> None:
    assert waiting(host(condition), "f.yml", lambda _: state).blocked is blocked


@pytest.mark.parametrize(
    ("condition", "state", "why"),
    [
        ("service_healthy", ServiceState(True, health=UNHEALTHY, said="no"), "it is unhealthy: no"),
        ("service_healthy", ServiceState(True, status=0), "it ended with status 0"),
        ("service_completed_successfully", ServiceState(True, status=3), "it ended with status 3"),
        (
            "service_completed_successfully",
            ServiceState(True, age=LONGEST_RUN),
            "it has not ended within 300 s",
        ),
    ],
)
def test_a_condition_that_cannot_be_met_is_told_or_gone_on_without(
    condition: str, state: ServiceState, why: str
) -> None:
    with pytest.raises(CannotRun, match=rf"web waits for db \({condition}\): {why}"):
        waiting(host(condition), "f.yml", lambda _: state)
    found = waiting(host(condition, required=False), "f.yml", lambda _: state)
    assert not found.blocked and [name for name, _ in found.without] == ["db"]


def test_last_words_are_those_of_the_first_text_that_has_any() -> None:
    assert last_words("\n \n", "a\nb\n\nc\nd\n") == "b / c / d"
    assert last_words("", " ") == ""
