"""The report in a real Chromium: silent, offline, whole on every screen, and it answers."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from echolab import language
from echolab.record import Conclusion, Fault
from echolab.report import compare, page
from tests.report import made
from tests.report.conftest import Open

pytestmark = pytest.mark.browser

TRACE = """\
7 1700000000.990000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000004>
7 1700000001.000000 connect(3, {sa_family=AF_INET, sin_port=htons(7), \
sin_addr=inet_addr("10.0.0.2")}, 16) = 0 <0.100024>
7 1700000001.750060 sendto(3, "Wir erschrecken"..., 64, 0, NULL, 0) = 64 <0.000010>
7 1700000001.750080 recvfrom(3, "Wir erschrecken"..., 1023, 0, NULL, NULL) = 64 <0.308020>
"""

ACCEPTED = """\
9 1700000000.990000 accept(3, NULL, NULL) = 4 <0.900000>
9 1700000001.900000 accept(3,  <unfinished ...>
"""

TELLING = ("distribution", "waits", "course", "queue", "rate", "gap", "conversations")
"""The pictures that are drawn as one."""

SCREENS = [(1280, False), (1280, True), (1024, False), (390, False), (390, True)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the report of one run, of many, and of a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    wire = made.Wire()
    made.healed(wire)
    for number in range(8):
        sent = made.datagram("client", "server", made.message(number))
        wire.send(4 + number * 0.02, "client", "server", sent, dies=number == 3)
    fates = ["delivered"] * 30 + ["lost", "late", "twice", "slow"] * 5
    probes = tuple(made.probe(protocol, fates) for protocol in ("udp", "tcp", "tcp-connect"))
    program = made.program(calls=TRACE, started=0.9)
    long_words = "x" * 300
    record = made.record(
        captures=wire.write(folder),
        probes=probes,
        programs=(program,),
        warnings=(long_words,),
        parameters={"note": long_words},
        conclusion=Conclusion(True, "96 of 500 datagrams never arrived", "", "holds"),
        picture="strip",
    )
    failed = dataclasses.replace(record, verdict="fail", engine="docker", scenario="latency")
    drawn = {
        "one": page.draw([(record, folder)]),
        "many": page.draw([(record, folder), (failed, folder)]),
        "compare": compare.draw((record, folder), (failed, folder)),
    }
    addresses = {}
    for name, text in drawn.items():
        path = folder / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        addresses[name] = path.as_uri()
    return addresses


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Addresses of reports that begin with each picture, in each language."""
    folder = tmp_path_factory.mktemp("telling")
    wire = made.Wire()
    made.healed(wire)
    accepting = dataclasses.replace(
        made.program(calls=ACCEPTED, started=0.9, ended=3.0), host="server"
    )
    fates = ["delivered"] * 20 + ["slow", "late", "lost"] + ["delivered"] * 20
    probes = tuple(made.probe(protocol, fates) for protocol in ("udp", "tcp", "tcp-connect"))
    captures = wire.write(folder)
    addresses = {}
    for spoken in language.LANGUAGES:
        language.use(spoken)
        for kind in TELLING:
            record = made.record(
                picture=kind,
                captures=captures,
                probes=probes,
                programs=(made.program(calls=TRACE, started=0.9), accepting),
                faults=(Fault(1.3, "partition", ("client",)), Fault(1.7, "heal")),
                conclusion=Conclusion(True, "one waited 81.0 ms", "", "holds"),
            )
            path = folder / f"{kind}-{spoken}.html"
            path.write_text(page.draw([(record, folder)]), encoding="utf-8")
            addresses[kind, spoken] = path.as_uri()
    language.use("en")
    return addresses


@pytest.mark.parametrize("name", ["one", "many", "compare"])
def test_the_console_is_silent_and_nothing_is_asked_of_the_network(
    name: str, pages: dict[str, str], screen: Open
) -> None:
    browser = screen(1280, False)
    browser.get(pages[name])
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert pages[name] in asked
    assert [url for url in asked if url != pages[name] and not url.startswith("data:")] == []


def test_the_text_of_the_verdicts_is_seen(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    seen = browser.find_element(By.TAG_NAME, "main").text
    for words in ("pass", "1 of 1 claims hold", "96 of 500 = 19.20%", "95 % interval"):
        assert words in seen


OVERLAPS = """
const boxes = selector => Array.from(document.querySelectorAll(selector))
  .filter(e => e.getClientRects().length)
  .map(e => ({e, text: e.textContent.trim().slice(0, 50), box: e.getBoundingClientRect()}));
const hit = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
  && a.top < b.bottom - 1 && b.top < a.bottom - 1;
const found = [];
for (const group of arguments[0]) {
  const all = boxes(group);
  for (let i = 0; i < all.length; i++)
    for (let j = i + 1; j < all.length; j++)
      if (hit(all[i].box, all[j].box) && !all[i].e.contains(all[j].e))
        found.push([group, all[i].text, all[j].text]);
}
return found;
"""

APART = [
    "main h1, main h2, main h3, main > p, figcaption, table, .card, .strip-box, .commands li",
    ".plot text",
    ".excerpt:not([hidden]) .ladder :is(.time, .passes, .host, .label, .call, text.fault)",
    ".legend li",
    "td",
    "button",
]
"""Groups of elements that must not cover one another."""

CUT = """
const wide = document.documentElement.clientWidth;
const scrolled = e => e.closest('.scroll, pre') !== null;
const unseen = e => e !== null
  && (getComputedStyle(e).clipPath !== 'none' || unseen(e.parentElement));
return Array.from(document.querySelectorAll('main *'))
  .filter(e => e.getClientRects().length && !scrolled(e) && !unseen(e))
  .filter(e => { const b = e.getBoundingClientRect(); return b.right > wide + 1 || b.left < -1; })
  .map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40));
"""


@pytest.mark.parametrize(("width", "dark"), SCREENS)
@pytest.mark.parametrize("name", ["one", "many", "compare"])
def test_nothing_is_cut_off_or_covers_anything_else(
    name: str, width: int, dark: bool, pages: dict[str, str], screen: Open, tmp_path: Path
) -> None:
    browser = screen(width, dark)
    browser.get(pages[name])
    (tmp_path / f"{name}-{width}.png").write_bytes(whole_page(browser, width))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(CUT) == []
    assert browser.execute_script(OVERLAPS, APART) == []


def whole_page(browser: WebDriver, width: int) -> bytes:
    """A picture of all of the page, kept with the test's files for people to look at."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot: dict[str, Any] = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    return base64.b64decode(shot["data"])


OUTSIDE = """
return Array.from(document.querySelectorAll('svg text'))
  .filter(t => t.getClientRects().length)
  .filter(t => {
    const a = t.getBoundingClientRect();
    const b = t.closest('svg').getBoundingClientRect();
    return a.left < b.left - 1 || a.right > b.right + 1
      || a.top < b.top - 1 || a.bottom > b.bottom + 1;
  }).map(t => t.textContent);
"""

SMALL = """
const size = text => {
  const drawn = text.getScreenCTM();
  return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(drawn.a, drawn.b);
};
return Array.from(document.querySelectorAll('svg text'))
  .filter(t => t.getClientRects().length && size(t) < arguments[0] - 0.05)
  .map(t => [size(t), t.textContent]);
"""

READABLE = 11
"""Pixels of the smallest words in a picture, however it is scaled."""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["one", "compare"])
def test_the_words_inside_a_picture_stay_inside_it(
    name: str, width: int, pages: dict[str, str], screen: Open
) -> None:
    browser = screen(width, False)
    browser.get(pages[name])
    assert browser.execute_script(OUTSIDE) == []
    assert browser.execute_script(SMALL, READABLE) == []


@pytest.mark.parametrize("width", [1280, 1024, 390])
@pytest.mark.parametrize("spoken", language.LANGUAGES)
@pytest.mark.parametrize("kind", TELLING)
def test_the_words_of_a_telling_picture_are_readable_on_every_screen(
    kind: str, spoken: str, width: int, telling: dict[tuple[str, str], str], screen: Open
) -> None:
    browser = screen(width, False)
    browser.get(telling[kind, spoken])
    pictures = browser.find_elements(By.CSS_SELECTOR, ".first > .plot")
    assert sum(one.is_displayed() for one in pictures) == 1
    assert browser.execute_script(SMALL, READABLE) == []
    assert browser.execute_script(OUTSIDE) == []
    assert browser.execute_script(OVERLAPS, APART) == []
    assert browser.execute_script(CUT) == []


SPLIT = """
return Array.from(document.querySelectorAll('.keys .together, .answer .together'))
  .map(one => one.getClientRects().length);
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_line_of_a_key_ends_between_a_figure_and_its_unit(
    width: int, telling: dict[tuple[str, str], str], screen: Open
) -> None:
    browser = screen(width, False)
    browser.get(telling["distribution", "de"])
    assert set(browser.execute_script(SPLIT)) == {1}
    assert len(browser.execute_script(SPLIT)) == 1 + 2 * 2 * 3  # each key: the median, the slowest


def test_pointing_at_a_packet_shows_its_fields(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    fields = browser.find_element(By.CSS_SELECTOR, ".fields")
    assert not fields.is_displayed()
    dead = browser.find_element(By.CSS_SELECTOR, ".excerpt:not([hidden]) .packet.dead")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", dead)
    cross = dead.find_element(By.CSS_SELECTOR, ".cross")
    ActionChains(browser).move_to_element(cross).perform()
    assert fields.is_displayed()
    assert "#10 client → server" in fields.text
    assert "sequence 4294967129" in fields.text
    assert "dies on the link of client, healed by #11" in fields.text
    ActionChains(browser).move_to_element(browser.find_element(By.CSS_SELECTOR, ".hint")).perform()
    assert not fields.is_displayed()


def test_the_keyboard_reaches_every_packet_and_call(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    box = browser.find_element(By.CSS_SELECTOR, ".excerpt:not([hidden]) .scroll")
    browser.execute_script("arguments[0].focus()", box)
    parts = browser.find_elements(By.CSS_SELECTOR, ".excerpt:not([hidden]) :is(.packet, .syscall)")
    told = []
    for _ in parts:
        ActionChains(browser).send_keys(Keys.TAB).perform()
        told.append(browser.find_element(By.CSS_SELECTOR, ".fields").text)
    packets = browser.find_elements(By.CSS_SELECTOR, ".excerpt:not([hidden]) .packet")
    assert len({text for text in told if text.startswith("#")}) == len(packets)
    assert any(text.startswith("recvfrom(3") for text in told)


def test_the_arrow_keys_go_from_packet_to_packet(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    box = browser.find_element(By.CSS_SELECTOR, ".excerpt:not([hidden]) .scroll")
    browser.execute_script("arguments[0].focus()", box)
    shown = []
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_UP):
        ActionChains(browser).send_keys(key).perform()
        shown.append(int(browser.switch_to.active_element.get_attribute("data-number") or 0))
    first = shown[0]
    assert shown == [first, first + 1, first + 2, first + 1]
    browser.find_element(By.CSS_SELECTOR, "button[data-step='1']").click()
    assert browser.switch_to.active_element.get_attribute("data-number") == str(first + 2)
    assert browser.find_element(By.CSS_SELECTOR, ".fields").text.startswith(f"#{first + 2} ")


ENVELOPES = """
const ladder = document.querySelector('.excerpt:not([hidden]) .ladder');
const now = Number(ladder.querySelector('.head-of-time').getAttribute('y1'));
const ways = Array.from(ladder.querySelectorAll('.packet'),
  one => one.dataset.way.split(' ').map(Number));
const flying = Array.from(ladder.querySelectorAll('.envelope'));
return [now, ways.map((way, place) => {
  const at = flying[place].getAttribute('visibility') === 'visible'
    ? flying[place].getAttribute('transform').match(/[-\\d.]+/g).map(Number) : null;
  return [way, at];
})];
"""


def under_way(now: float, flights: list[tuple[list[float], list[float] | None]]) -> int:
    """How many envelopes are under way, each where its line is at the height of the moment."""
    seen = 0
    for (x1, y1, x2, y2), at in flights:
        y2 = max(y2, y1 + 4)
        assert (at is not None) == (y1 <= now <= y2)
        if at is not None:
            seen += 1
            assert at[1] == pytest.approx(now, abs=0.01)
            assert at[0] == pytest.approx(x1 + (x2 - x1) * (now - y1) / (y2 - y1), abs=0.01)
    return seen


def test_play_moves_an_envelope_along_each_line_at_the_height_of_the_moment(
    pages: dict[str, str], screen: Open
) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    player = browser.find_element(By.CSS_SELECTOR, "button[data-play]")
    browser.execute_script("arguments[0].dataset.pace = 120", player)
    browser.execute_script("arguments[0].scrollIntoView()", player)
    player.click()
    first = WebDriverWait(browser, 60, poll_frequency=0.02)
    first.until(lambda browser: under_way(*browser.execute_script(ENVELOPES)))
    for _ in range(7):
        under_way(*browser.execute_script(ENVELOPES))
    player.click()
    assert browser.find_elements(By.CSS_SELECTOR, ".envelope") == []
    assert player.text == "play"


def test_the_verdict_and_the_telling_picture_are_on_the_first_screen(
    pages: dict[str, str], screen: Open
) -> None:
    browser = screen(1024, False)
    browser.get(pages["one"])
    for part in (".answer", ".head-line", ".first svg"):
        box = browser.find_element(By.CSS_SELECTOR, part).rect
        assert box["y"] >= 0 and box["y"] + box["height"] <= 768, part


@pytest.mark.parametrize("width", [1024, 390])
def test_a_loss_and_its_healing_are_on_one_screen_with_both_hosts(
    width: int, pages: dict[str, str], screen: Open
) -> None:
    browser = screen(width, False)
    browser.get(pages["one"])
    ladder = browser.find_element(By.CSS_SELECTOR, ".excerpt:not([hidden]) .ladder")
    dead = ladder.find_element(By.CSS_SELECTOR, ".packet.dead .cross").rect
    healer = ladder.find_element(By.CSS_SELECTOR, ".packet.again .full").rect
    assert 0 < healer["y"] - dead["y"] < 600
    for host in ladder.find_elements(By.CSS_SELECTOR, ".host"):
        assert host.rect["x"] >= 0 and host.rect["x"] + host.rect["width"] <= width


def test_a_packet_is_hit_beside_its_line(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    hit = browser.execute_script(
        """
        const line = document.querySelector('.excerpt:not([hidden]) .packet .target');
        line.scrollIntoView({block: 'center'});
        const box = line.getBoundingClientRect();
        const at = document.elementFromPoint(
          box.left + box.width * 0.75, box.top + box.height * 0.75 + 6);
        return at !== null && at.closest('.packet') !== null;
        """
    )
    assert hit


def test_the_keyboard_reads_the_values_of_a_figure(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    plot = browser.find_element(By.CSS_SELECTOR, ".wide .plot")
    browser.execute_script("arguments[0].focus()", plot)
    ActionChains(browser).send_keys(*[Keys.ARROW_RIGHT] * 61).perform()
    readout = plot.find_element(By.XPATH, "../p[@class='readout']").text
    assert " ms: datagrams " in readout and "one stream " in readout and " %" in readout


def test_another_excerpt_is_shown_by_choice(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    assert shown(browser) == ["The first loss that was healed"]
    choice = Select(browser.find_element(By.CSS_SELECTOR, ".story select"))
    names = [option.text for option in choice.options]
    choice.select_by_index(next(i for i, name in enumerate(names) if "datagram that died" in name))
    assert shown(browser) == ["A datagram that died"]


def shown(browser: WebDriver) -> list[str]:
    headings = browser.find_elements(By.CSS_SELECTOR, ".excerpt .part")
    return [heading.text for heading in headings if heading.is_displayed()]


def test_the_story_grows_and_shrinks(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    ladder = browser.find_element(By.CSS_SELECTOR, ".ladder")
    before = ladder.size["width"]
    browser.find_element(By.CSS_SELECTOR, "button[data-zoom='1.25']").click()
    assert ladder.size["width"] == pytest.approx(before * 1.25, rel=0.01)
    browser.find_element(By.CSS_SELECTOR, "button[data-zoom='0']").click()
    assert ladder.size["width"] == pytest.approx(before, rel=0.01)


def test_a_command_is_copied_whole(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    button = browser.find_element(By.CSS_SELECTOR, ".commands button")
    button.click()
    WebDriverWait(browser, 5).until(lambda _: button.text == "copied")
    copied = browser.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, e => done(String(e)))"
    )
    assert copied == made.SHAPE


def test_the_strip_tells_the_message_under_the_pointer(pages: dict[str, str], screen: Open) -> None:
    browser = screen(1280, False)
    browser.get(pages["one"])
    box = browser.find_element(By.CSS_SELECTOR, "figure:not(.first) > .strip-box")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
    cell = box.size["width"] / 50
    ActionChains(browser).move_to_element_with_offset(
        box, round(30.5 * cell - box.size["width"] / 2), 0
    ).perform()
    readout = box.find_element(By.XPATH, "../p[@class='readout']")
    assert readout.text == "message 30: lost"
    browser.execute_script("arguments[0].focus()", box)
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    assert readout.text == "message 31: late after 1501 ms"


def test_ten_thousand_messages_are_open_within_a_second(tmp_path: Path, screen: Open) -> None:
    fates = (["delivered"] * 7 + ["lost", "late", "slow"]) * 1000
    probes = tuple(made.probe(protocol, fates) for protocol in ("udp", "tcp"))
    record = made.record(probes=probes)
    path = tmp_path / "report.html"
    path.write_text(page.draw([(record, tmp_path)]), encoding="utf-8")
    browser = screen(1280, False)
    browser.get(path.as_uri())
    browser.execute_cdp_cmd("Performance.enable", {})
    before = process_time(browser)
    browser.get(path.as_uri())
    browser.execute_script("return document.querySelector('.strip').getBoundingClientRect()")
    assert process_time(browser) - before < 1.0


def process_time(browser: WebDriver) -> float:
    """Seconds that the page's process has computed: what else the machine does adds nothing."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ProcessTime"))


def test_without_a_script_all_excerpts_and_no_dead_buttons_are_shown(
    pages: dict[str, str], screen: Open
) -> None:
    browser = screen(1280, False)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(pages["one"])
        assert len(browser.find_elements(By.CSS_SELECTOR, ".excerpt")) > 1
        excerpts = browser.find_elements(By.CSS_SELECTOR, ".excerpt")
        assert all(excerpt.is_displayed() for excerpt in excerpts)
        copy = browser.find_elements(By.CSS_SELECTOR, "button[data-copy]")
        assert copy
        assert not any(button.is_displayed() for button in copy)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


BROKEN = """
const broken = [];
for (const place of document.querySelectorAll('td.claim, .keys strong, figcaption strong')) {
  const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const word of texts.currentNode.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set(Array.from(range.getClientRects(), box => box.top)).size > 1)
        broken.push(word[0]);
    }
}
return broken;
"""

PAPER = (680, 740)
"""Pixels of width that A4 and Letter have between usual margins."""


@pytest.mark.parametrize("width", PAPER)
@pytest.mark.parametrize("name", ["one", "many", "compare"])
def test_print_is_light_whole_and_shows_no_buttons(
    name: str, width: int, pages: dict[str, str], screen: Open
) -> None:
    browser = screen(width, True)
    browser.get(pages[name])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        buttons = browser.find_elements(By.TAG_NAME, "button")
        assert not any(button.is_displayed() for button in buttons)
        assert browser.execute_script(CUT) == []
        assert browser.execute_script(OVERLAPS, APART) == []
        assert browser.execute_script(BROKEN) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
