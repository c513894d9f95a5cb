"""What `./lab watch` costs: the first envelope, 200 packets under way, standing still, closing.

    .venv/bin/python -m benchmarks.watch

Watches a run of its own in a Chromium without a window. Ends with status 0 if the first envelope is
there 2 s after the command was given, if 200 packets under way are drawn 30 times a second, if all
its processes take less than 2 % of a processor while time stands still, if the command ends within
5 s of its page, and if a second watch beside it shows its own packets.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

FIRST, FRAMES, IDLE, CLOSED = 2.0, 30.0, 0.02, 5.0
"""The bars: seconds, frames a second, a share of a processor, seconds."""

MANY_PACKETS = 190
"""Packets under way, of 200 sent meanwhile: the first and the last are at an end."""

MANY = '''\
from echolab import Lab, Link, scenario


@scenario(sentence="Many datagrams are under way at once.")
def many(lab: Lab) -> None:
    """A datagram each millisecond, each a fifth of a second under way."""
    lab.shape("client", Link(delay=0.2))
    lab.probe("client", "server", count=3000, interval=0.001)
'''

COUNT_FRAMES = """
const [seconds, done] = arguments, began = performance.now();
let frames = 0, most = 0;
function frame(at) {
  frames += 1;
  most = Math.max(most, document.querySelectorAll('#scene .packet:not(.over):not(.died)').length);
  if (at - began < seconds * 1e3) requestAnimationFrame(frame);
  else done([frames / (at - began) * 1e3, most]);
}
requestAnimationFrame(frame);
"""


@contextlib.contextmanager
def watched(script: Path, out: Path, seed: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address of its page."""
    words = [sys.executable, "-m", "echolab", "watch", str(script), "--seed", str(seed)]
    with subprocess.Popen(
        [*words, "--out", str(out), "--lang", "en"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "the command named no page"
            yield process, found[0]
        finally:
            process.terminate()


def browser() -> WebDriver:
    """A Chromium without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise SystemExit("chromium or chromedriver is missing: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for one in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(one)
    return webdriver.Chrome(options=options, service=Service(driver))


def first_envelope(page: WebDriver) -> None:
    """Step to the first packet."""
    wait = WebDriverWait(page, 60, 0.02)
    wait.until(lambda _: page.find_elements(By.CSS_SELECTOR, "#hosts article"))
    page.find_element(By.ID, "step-packet").click()
    wait.until(lambda _: page.find_elements(By.CSS_SELECTOR, ".packet"))


def used(pid: int) -> float:
    """Seconds of processor time of a process and all that it has started (proc_pid_stat(5))."""
    parents: dict[int, list[int]] = {}
    times: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
                ticks = int(fields[11]) + int(fields[12])
                times[int(entry.name)] = ticks / os.sysconf("SC_CLK_TCK")
    family = [pid]
    for one in family:
        family += parents.get(one, [])
    return sum(times.get(one, 0.0) for one in family)


def main() -> int:
    """Measure and print; the status says whether every bar is kept."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name, browser() as page:
        script = Path(name) / "many.py"
        script.write_text(MANY, encoding="utf-8")
        began = time.monotonic()
        with watched(script, Path(name) / "one", 1) as (process, url):
            page.get(url)
            first_envelope(page)
            first = time.monotonic() - began
            with watched(script, Path(name) / "two", 2) as (_, other):
                page.switch_to.new_window("tab")
                page.get(other)
                first_envelope(page)
                apart = len(list((Path(name) / "two").iterdir())) == 1
                page.close()
                page.switch_to.window(page.window_handles[0])
            rate, most = frames(page)
            before = used(process.pid)
            time.sleep(5)  # what is measured is that nothing happens
            idle = (used(process.pid) - before) / 5
            page.get("about:blank")
            left = time.monotonic()
            process.wait(60)
            closed = time.monotonic() - left
    rows = [
        ("first envelope", f"{first:.2f} s", first <= FIRST),
        (
            f"{most} packets under way",
            f"{rate:.1f} frames a second",
            rate >= FRAMES and most >= MANY_PACKETS,
        ),
        ("time stands still", f"{idle:.1%} of a processor", idle <= IDLE),
        ("page closed", f"ended after {closed:.2f} s", closed <= CLOSED),
        ("a second watch beside it", "its own packets" if apart else "they meet", apart),
    ]
    for what, figure, kept in rows:
        print(f"{what:28} {figure:28} {'kept' if kept else 'MISSED'}")
    return 0 if all(kept for *_, kept in rows) else 1


def frames(page: WebDriver) -> tuple[float, int]:
    """Frames a second while the run is played, and the most packets under way meanwhile."""
    canvas = page.find_element(By.ID, "line")
    page.execute_script(
        "const pace = document.getElementById('pace'); pace.value = '-1';"
        "pace.dispatchEvent(new Event('input')); document.getElementById('play').click()"
    )
    WebDriverWait(page, 60).until(
        lambda _: (
            len(page.find_elements(By.CSS_SELECTOR, "#scene .packet:not(.over)")) >= MANY_PACKETS
        )
    )
    assert canvas.is_displayed()
    rate, most = page.execute_async_script(COUNT_FRAMES, 4)
    page.find_element(By.ID, "play").click()
    return rate, most


if __name__ == "__main__":
    sys.exit(main())
