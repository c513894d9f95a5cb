"""The page of a watched run in a real Chromium: it plays, steps, and breaks what it is told to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from echolab.runs.plan import PlannedRun
from echolab.settings import Settings
from tests.report.conftest import Open
from tests.report.test_browser import CUT, OVERLAPS
from tests.watch.test_server import Served

pytestmark = [pytest.mark.browser, pytest.mark.exact]

PATIENT = 30.0

APART = [
    "main > *",
    "button, input, select, #now, #pace-said",
    "#scene .host rect, #scene .packet.last > text",
    "#hosts > article",
]
"""Groups of elements of which no two may cover each other."""


FLYING = ".packet.datagram:not(.over)"
"""A datagram under way: one that has arrived may lie below it."""


@pytest.fixture(scope="module")
def served(
    planned: PlannedRun, tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Iterator[Served]:
    """One server for all tests; the page stays open from test to test."""
    out = tmp_path_factory.mktemp("page") / "runs"
    with contextlib.closing(Served(planned, out, settings)) as found:
        yield found


@pytest.fixture
def page(served: Served, screen: Open) -> Iterator[WebDriver]:
    """The page, loaded and told what hosts there are; a blank one behind."""
    browser = screen(1280, False)
    browser.get(served.url)
    until(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#hosts article")) == 2)
    yield browser
    assert browser.get_log("browser") == []


def until(browser: WebDriver, holds: Callable[[], Any]) -> Any:
    """Wait until something holds, whatever the page draws anew meanwhile."""
    try:
        return WebDriverWait(browser, PATIENT, 0.05, [StaleElementReferenceException]).until(
            lambda _: holds()
        )
    except TimeoutException:
        status = browser.find_element(By.ID, "status").text
        raise AssertionError(f"the page says '{status}', {browser.get_log('browser')}") from None


def seconds(browser: WebDriver) -> float:
    return float(browser.find_element(By.ID, "now").text.split()[0])


def click(browser: WebDriver, name: str) -> None:
    """Click on a button, and wait until the page has drawn what comes of it."""
    browser.find_element(By.ID, name).click()
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
    )


def press(browser: WebDriver, selector: str) -> None:
    """Click on what the page shows there, though it may draw that anew until the click."""

    def pressed() -> bool:
        browser.find_element(By.CSS_SELECTOR, selector).click()
        return True

    until(browser, pressed)


def step_to(browser: WebDriver, moment: float) -> None:
    """Step from packet to packet until a lab second."""

    def gone_on() -> bool:
        click(browser, "step-packet")
        return seconds(browser) >= moment

    until(browser, gone_on)


def test_it_asks_nothing_but_its_own_server(page: WebDriver, served: Served) -> None:
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert served.url + "main.js" in asked
    assert [url for url in asked if not url.startswith((served.url, "data:"))] == []


def test_a_packet_is_an_envelope_half_way_after_half_its_delay(page: WebDriver) -> None:
    """A datagram of this run is 50 ms under way: 25 steps of a millisecond are half of it."""
    step_to(page, 0.1)
    while not page.find_elements(By.CSS_SELECTOR, FLYING):
        click(page, "step-packet")
    group = page.find_element(By.CSS_SELECTOR, FLYING)
    begin = place(group.get_attribute("transform"))
    for _ in range(25):
        click(page, "step-ms")
    until(page, lambda: place(group.get_attribute("transform")) != begin)
    half = place(group.get_attribute("transform"))
    for _ in range(24):
        click(page, "step-ms")
    until(page, lambda: abs(place(group.get_attribute("transform")) - half) > 50)
    almost = place(group.get_attribute("transform"))
    assert (half - begin) / (almost - begin) == pytest.approx(25 / 49, abs=0.05)


def place(transform: str | None) -> float:
    assert transform
    return float(transform.removeprefix("translate(").split()[0])


def test_play_goes_on_and_pause_stops(page: WebDriver) -> None:
    click(page, "play")
    until(page, lambda: seconds(page) > 0.01)
    click(page, "play")
    stopped = seconds(page)
    assert page.find_element(By.ID, "play").text == "Play"
    assert seconds(page) == stopped


def test_what_is_cut_off_loses_its_packets_until_that_is_undone(
    page: WebDriver, served: Served
) -> None:
    step_to(page, 0.15)
    page.find_element(By.XPATH, "//button[text()='cut client off']").click()
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, "#done button"))
    until(page, lambda: page.find_element(By.ID, "status").text == "")
    step_to(page, 0.25)
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".packet.died"))
    assert "the network is cut" in page.find_element(By.ID, "scene").text
    assert [one.kind for one in served.sessions[0].interventions] == ["cut"]
    press(page, "#done button")
    until(page, lambda: not served.sessions[0].interventions)
    until(page, lambda: not page.find_elements(By.CSS_SELECTOR, ".packet.died"))


def fly(browser: WebDriver) -> None:
    """Step until a datagram is under way, and half a millisecond on."""
    step_to(browser, 0.1)
    while not browser.find_elements(By.CSS_SELECTOR, FLYING):
        click(browser, "step-packet")
    click(browser, "step-ms")


def test_a_packet_that_is_chosen_and_let_die_by_keyboard_dies_where_it_is(
    page: WebDriver, served: Served
) -> None:
    fly(page)
    keys = ActionChains(page)
    keys.send_keys("e").perform()
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".packet.chosen"))
    now = seconds(page)
    keys.send_keys("x").perform()
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".packet.died"))
    (done,) = served.sessions[0].interventions
    assert (done.kind, done.host) == ("drop_packet", "client")
    assert done.at == pytest.approx(now, abs=1e-6)  # it is shown to the microsecond
    assert "somebody let it die" in page.find_element(By.ID, "scene").text
    press(page, "#done button")
    until(page, lambda: not served.sessions[0].interventions)


def test_a_packet_that_is_clicked_on_can_be_delayed(page: WebDriver, served: Served) -> None:
    fly(page)
    press(page, f"{FLYING} rect")
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, "#packet input"))
    amount = page.find_element(By.CSS_SELECTOR, "#packet input")
    amount.clear()
    amount.send_keys("30")
    press(page, "#packet form button")
    until(page, lambda: "held up by 30 ms" in page.find_element(By.ID, "packet").text)
    (done,) = served.sessions[0].interventions
    assert (done.kind, done.amount) == ("delay_packet", 0.03)
    press(page, "#done button")
    until(page, lambda: not served.sessions[0].interventions)


def test_what_if_not_shows_the_run_without_a_deed_below_and_marks_what_differs(
    page: WebDriver, served: Served
) -> None:
    step_to(page, 0.15)
    page.find_element(By.XPATH, "//button[text()='cut client off']").click()
    what_if = "//button[text()='what if not?']"
    until(page, lambda: page.find_elements(By.XPATH, what_if))
    until(page, lambda: page.find_element(By.ID, "status").text == "")
    step_to(page, 0.3)
    page.find_element(By.XPATH, what_if).click()
    said = page.find_element(By.ID, "beside-said")
    until(page, lambda: said.text and " 0 packets" not in said.text)
    assert "without “" in said.text
    assert page.find_element(By.ID, "beside").is_displayed()
    page.find_element(By.XPATH, "//button[text()='this run alone']").click()
    until(page, lambda: not page.find_element(By.ID, "beside").is_displayed())
    press(page, "#done button")
    until(page, lambda: not served.sessions[0].interventions)


def test_the_next_call_is_stepped_to_and_stands_above_its_host(page: WebDriver) -> None:
    """A call may come less than a microsecond after the one before, which the clock rounds."""
    step_to(page, 0.1)
    before = seconds(page)
    page.find_element(By.TAG_NAME, "body").send_keys("c")
    called = until(page, lambda: page.find_element(By.CSS_SELECTOR, "#scene .in-call").text)
    assert called.startswith("recvmsg, accept"), "the newest first"
    assert page.find_elements(By.CSS_SELECTOR, "#hosts .call")
    for _ in range(4):
        click(page, "step-call")
    until(page, lambda: seconds(page) > before)


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_the_names_of_calls_stay_inside_the_picture(
    width: int, page: WebDriver, screen: Open, tmp_path: Path
) -> None:
    screen(width, False)
    step_to(page, 0.1)
    page.find_element(By.TAG_NAME, "body").send_keys("c")
    until(page, lambda: page.find_element(By.CSS_SELECTOR, "#scene .in-call").text)
    (tmp_path / f"calls-{width}.png").write_bytes(page.get_screenshot_as_png())
    outside = page.execute_script(
        """
        const room = document.getElementById('scene').getBoundingClientRect();
        return Array.from(document.querySelectorAll('#scene text'))
          .filter(one => { const box = one.getBoundingClientRect();
            return box.width && (box.left < room.left || box.right > room.right); })
          .map(one => one.textContent);
        """
    )
    assert outside == []


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_nothing_is_cut_off_or_covers_anything_else(
    width: int, page: WebDriver, screen: Open, tmp_path: Path
) -> None:
    screen(width, False)
    step_to(page, 0.1)
    (tmp_path / f"watch-{width}.png").write_bytes(page.get_screenshot_as_png())
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert page.execute_script(CUT) == []
    assert page.execute_script(OVERLAPS, APART) == []
