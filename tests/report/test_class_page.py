"""A class as a page: cases by how many failed them, predictions, students with their own pages."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from echolab.classroom import pages
from echolab.classroom.verdict import CaseResult, CheckResult, Prediction, Verdict
from tests.report.conftest import Open
from tests.report.test_browser import CUT, OVERLAPS

PASSED = CaseResult(1, "whole", "it comes whole", Verdict.PASSED)
FAILED = CaseResult(
    2,
    "pieces",
    "it comes in pieces, which takes a long title to say",
    Verdict.FAILED,
    expectation="the server receives",
    expected="b'whole'",
    seen="b'wh' <script>alert(1)</script>",
)
BROKEN = CaseResult(3, "late", "it comes late", Verdict.NOT_JUDGED, reason="the disk is full")


def student(name: str, answer: str, *cases: CaseResult) -> CheckResult:
    return CheckResult(
        "01-x", name, 7, "Python", cases, predictions=(Prediction("round trips", answer, "2"),)
    )


CLASS = [
    student("ada", "2", PASSED, dataclasses.replace(FAILED, verdict=Verdict.PASSED), BROKEN),
    student("b & c", "3", dataclasses.replace(FAILED, number=1, name="whole"), FAILED, BROKEN),
    student("dora", "3", PASSED, FAILED, BROKEN),
]


def test_the_case_that_most_failed_comes_first() -> None:
    rows = [(row.number, row.name, row.failed, row.of) for row in pages.cases(CLASS)]
    assert rows[0] == (2, "pieces", 2, 3)
    assert sum(row[2] for row in rows) == 3


def test_predictions_are_distributions_and_say_which_happened() -> None:
    (answers,) = pages.predictions(CLASS).values()
    assert [(one.answer, one.count, one.share, one.happened) for one in answers] == [
        ("3", 2, 66.7, 0),
        ("2", 1, 33.3, 1),
    ]


def write_all(folder: Path) -> None:
    """The class's page and the students' pages, where a grading puts them."""
    (folder / "reports").mkdir()
    (folder / "class.html").write_text(pages.class_page(CLASS, "01-x"), encoding="utf-8")
    for one in CLASS:
        page = folder / "reports" / f"{one.submission}.html"
        page.write_text(pages.student_page(one), encoding="utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_every_student_is_a_row_that_leads_to_their_own_page(
    width: int, screen: Open, tmp_path: Path
) -> None:
    write_all(tmp_path)
    browser = screen(width, False)
    browser.get((tmp_path / "class.html").as_uri())
    assert browser.get_log("browser") == []
    assert "1 of 3 students passed" not in browser.page_source
    assert browser.execute_script(CUT) == []
    assert browser.execute_script(OVERLAPS, ["main h1, main h2, table", "td", ".marks span"]) == []
    links = browser.find_elements(By.CSS_SELECTOR, "td a")
    assert [link.text for link in links] == ["ada", "b & c", "dora"]
    links[1].click()
    assert "b'wh' <script>alert(1)</script>" in browser.find_element(By.TAG_NAME, "main").text
    assert browser.execute_script(CUT) == []
