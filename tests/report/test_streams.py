"""What TCP did: segments sent again, whatever their boundaries, and the losses they healed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from echolab.report import packet
from echolab.report.streams import Role, Segment, roles
from tests.report import made


def told(segments: Sequence[tuple[str, int, int, bool]], first: int = 1000) -> dict[int, Role]:
    """Roles of segments (flags, offset, bytes, arrived) that the client sends one after another."""
    made_of = [
        Segment(
            number,
            packet.parse(made.segment("client", "server", flags, first + offset, 5, b"x" * length)),
            arrived,
        )
        for number, (flags, offset, length, arrived) in enumerate(segments, start=1)
    ]
    return roles(made_of)


def test_a_segment_sent_again_heals_the_one_that_died() -> None:
    found = told([("S", 0, 0, True), ("PA", 1, 64, False), ("PA", 1, 64, True)])
    assert found[3].repeats == (2,)
    assert found[3].heals == (2,)
    assert not found[2].repeats


def test_a_retransmission_of_what_had_arrived_is_needless_and_heals_nothing() -> None:
    found = told([("PA", 0, 64, True), ("PA", 0, 64, True)])
    assert found[2].needless
    assert found[2].heals == ()


def test_a_retransmission_that_dies_too_is_healed_with_the_first() -> None:
    found = told([("PA", 0, 64, False), ("PA", 0, 64, False), ("PA", 0, 64, True)])
    assert found[2].heals == ()
    assert found[3].heals == (1, 2)


def test_a_loss_is_healed_once() -> None:
    found = told([("PA", 0, 64, False), ("PA", 0, 64, True), ("PA", 0, 64, True)])
    assert found[2].heals == (1,)
    assert found[3].heals == ()


def test_a_syn_and_a_fin_are_sent_again_like_bytes() -> None:
    found = told([("S", 0, 0, False), ("S", 0, 0, True), ("FA", 1, 0, False), ("FA", 1, 0, True)])
    assert found[2].heals == (1,)
    assert found[4].heals == (3,)


def test_other_boundaries_are_the_same_bytes() -> None:
    """Three small segments, two of them dead, come again as one that is larger."""
    found = told(
        [("PA", 0, 10, True), ("PA", 10, 10, False), ("PA", 20, 10, False), ("PA", 5, 40, True)]
    )
    assert found[4].repeats == (1, 2, 3)
    assert found[4].heals == (2, 3)


def test_one_that_comes_again_in_two_parts_heals_with_the_first_of_them() -> None:
    found = told([("PA", 0, 100, False), ("PA", 0, 60, True), ("PA", 60, 40, True)])
    assert found[2].heals == (1,)
    assert found[3].repeats == (1,)


def test_an_acknowledgement_said_again_is_told() -> None:
    found = told([("A", 0, 0, True), ("A", 0, 0, True)])
    assert not found[1].repeated_ack
    assert found[2].repeated_ack


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(1, 1460), st.booleans()), min_size=1, max_size=40),
)
def test_numbers_that_wrap_around_change_nothing(first: int, plan: list[tuple[int, bool]]) -> None:
    """Each dead segment is healed by the one right behind it, wherever numbering began."""
    segments: list[tuple[str, int, int, bool]] = []
    dead: dict[int, int] = {}
    offset = 0
    for length, arrives in plan:
        segments.append(("PA", offset, length, arrives))
        if not arrives:
            dead[len(segments)] = len(segments) + 1
            segments.append(("PA", offset, length, True))
        offset += length
    found = told(segments, first)
    healed = {number: healer for healer, role in found.items() for number in role.heals}
    assert healed == dead
    assert [role.sequence for role in found.values()] == [one[1] for one in segments]


def test_a_connection_longer_than_the_space_of_numbers_is_counted_on() -> None:
    event = 2**30
    segments = [("PA", event * number, 10, True) for number in range(12)]
    assert [role.sequence for role in told(segments).values()] == [
        event * number for number in range(12)
    ]
