"""Tables on a terminal: nothing is lost, nothing is wider than the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echolab.present import table

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


def test_the_widest_column_is_wrapped_first_and_a_long_word_is_cut_not_lost() -> None:
    rows = [["loss", "the stream paid with retransmissions", "✔ pass"], ["x", "", "—"]]
    assert table(("scenario", "claim", "verdict"), rows, 34).split("\n") == [
        "",
        " scenario   claim          verdict",
        " ─────────────────────────────────",
        " loss       the stream     ✔ pass",
        "            paid with re",
        "            transmission",
        "            s",
        " x                         —",
        "",
    ]


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("a", "b"), [], 80) == "\n a   b\n ─────\n"


@given(
    rows=st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4),
    width=st.integers(len(" a   b   c"), 60),
)
def test_nothing_is_lost_and_nothing_is_wider_than_the_terminal(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    lines = table(("a", "b", "c"), rows, width).split("\n")
    assert max(map(len, lines)) <= width

    def letters(texts: list[str]) -> list[str]:
        return sorted("".join("".join(texts).split()))

    told = [cell for row in rows for cell in row]
    assert letters(lines[3:]) == letters(told)
