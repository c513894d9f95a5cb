"""What a terminal shows: no word is broken, nothing is wider than the terminal."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.record import Conclusion
from echolab.report import terminal
from echolab.report.tables import Column, shortened, table
from tests.report import made

WORDS = st.text(alphabet="abcäß„“→ -", max_size=40)


def test_figures_stand_on_the_right_and_texts_on_the_left() -> None:
    rows = [["client → server", "9 of 10", "0.18"], ["b", "10 of 10", "12"]]
    assert table(("probe", "delivered", "ms"), rows, 80).split("\n") == [
        "",
        " probe             delivered     ms",
        " ──────────────────────────────────",
        " client → server     9 of 10   0.18",
        " b                  10 of 10     12",
        "",
    ]


def test_the_widest_column_is_wrapped_first_and_no_word_is_broken() -> None:
    rows = [["loss", "the stream paid with retransmissions", "✔ pass"], ["x", "", "—"]]
    assert table(("scenario", "claim", "verdict"), rows, 37).split("\n") == [
        "",
        " scenario   claim             verdict",
        " ────────────────────────────────────",
        " loss       the stream paid   ✔ pass",
        "            with",
        "            retransmissions",
        " x                            —",
        "",
    ]


def test_columns_are_left_out_where_there_is_no_room_those_that_tell_nothing_first() -> None:
    columns = (Column("a"), Column("twice", rank=1), Column("late", rank=2), Column("ms"))
    rows = [["x" * 20, "0", "7", "1.5"]]
    assert table(columns, rows, 80).split("\n")[1].split() == ["a", "twice", "late", "ms"]
    assert table(columns, rows, 40).split("\n")[1].split() == ["a", "late", "ms"]
    assert table(columns, rows, 31).split("\n")[1].split() == ["a", "ms"]


def test_a_text_is_shortened_behind_a_word_and_says_so() -> None:
    assert shortened("holds only for the first message", 20) == "holds only for the…"
    assert shortened("Diensterbringer", 8) == "Dienste…"


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("a", "b"), [], 80) == "\n a   b\n ─────\n"


@given(
    rows=st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4),
    width=st.integers(len(" a   b   c"), 60),
)
def test_a_table_fits_and_breaks_no_word(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = table(("a", "b", "c"), rows, width).split("\n")
    words = [word for row in rows for cell in row for word in cell.split()]
    shown = [word for line in lines[3:] for word in line.split()]
    assert max(map(len, lines)) <= width
    fits = sum(max([1, *(len(w) for row in rows for w in row[n].split())]) for n in range(3))
    if fits + len(" " + 2 * "   ") <= width:
        assert sorted(shown) == sorted(words)


PROBES = made.record(
    probes=tuple(
        made.probe(protocol, ["delivered"] * 480 + ["lost", "late", "twice", "slow"] * 5)
        for protocol in ("udp", "tcp", "tcp-connect")
    )
)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_what_a_run_says_fits_each_terminal(width: int) -> None:
    shown = terminal.table(terminal.PROBE_HEADINGS, terminal.probe_rows(PROBES), width)
    assert max(map(len, shown.split("\n"))) <= width
    assert "median ms" in shown and "in time" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 150])
def test_the_table_of_all_scenarios_has_one_row_a_scenario(width: int) -> None:
    records = [
        dataclasses.replace(
            PROBES,
            scenario=name,
            sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes",
            conclusion=Conclusion(True, "", "for the first of two small writes", "holds only"),
        )
        for name in ("head-of-line", "loss", "nagle")
    ]
    lines = terminal.summary_table(records, width).split("\n")
    assert len(lines) == 2 + 2 + len(records)
    assert max(map(len, lines)) <= width
    assert all("holds only" in line for line in lines[3:-1])
