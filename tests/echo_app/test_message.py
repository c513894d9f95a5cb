"""Messages and how a stream is cut into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_app.message import SMALLEST, Cutter, Framing, GarbledError

framings = st.builds(Framing, st.integers(0, 2**32 - 1), st.integers(SMALLEST, 600))
numbers = st.integers(0, 2**32 - 1)


@given(framings, numbers)
def test_a_message_has_its_size_and_gives_its_number_back(framing: Framing, number: int) -> None:
    """Packing and reading are inverse for each size, probe and number."""
    message = framing.pack(number)
    assert len(message) == framing.size
    assert framing.number(message) == framing.quoted(message[:16]) == number


@given(framings, numbers, st.data())
def test_a_message_with_one_changed_byte_is_foreign(
    framing: Framing, number: int, data: st.DataObject
) -> None:
    """Wherever the change is, the reply does not count as that message."""
    message = bytearray(framing.pack(number))
    place = data.draw(st.integers(0, framing.size - 1))
    message[place] ^= data.draw(st.integers(1, 255))
    assert framing.number(bytes(message)) != number


@given(framings, st.binary(max_size=700))
def test_any_bytes_can_be_asked_for_their_number(framing: Framing, data: bytes) -> None:
    """Foreign data is None and never an error."""
    number = framing.number(data)
    assert number is None or framing.pack(number) == data
    framing.quoted(data)


@given(framings, st.lists(numbers, max_size=20), st.data())
def test_a_stream_is_cut_alike_however_it_is_split(
    framing: Framing, sent: list[int], data: st.DataObject
) -> None:
    """Whatever pieces the network makes of them, the same numbers come in the same order."""
    stream = b"".join(map(framing.pack, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    cutter = Cutter(framing)
    assert [number for piece in pieces for number in cutter.feed(piece)] == sent


@given(framings, st.integers(0, 5), st.integers(1, 50))
def test_a_garbled_message_is_named_by_where_it_begins(
    framing: Framing, good: int, piece: int
) -> None:
    """The offset counts from the beginning of the stream, however it was split."""
    bad = bytes(value ^ 0xFF for value in framing.pack(99))
    stream = b"".join(map(framing.pack, range(good))) + bad
    cutter = Cutter(framing)
    with pytest.raises(GarbledError) as caught:
        for start in range(0, len(stream), piece):
            cutter.feed(stream[start : start + piece])
    assert caught.value.offset == good * framing.size


def test_another_probes_messages_are_foreign() -> None:
    """Two probes that share a port do not count each other's replies."""
    foreign = Framing(2, 64).pack(0)
    assert Framing(1, 64).number(foreign) is None
    assert Framing(1, 64).quoted(foreign) is None
