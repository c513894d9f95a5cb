"""What a report costs: seconds to draw it, bytes, seconds until a browser shows it.

    .venv/bin/python -m benchmarks.report

Runs `contrast`, and `loss` with 10,000 messages, on the exact engine, draws both and opens
the larger one in Chromium if there is one. Ends with status 0 if every bar is met.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from echolab.engines.exact import engine
from echolab.judge import verdicts
from echolab.record import Record
from echolab.report import compare, page, story
from echolab.runs import catalogue
from echolab.settings import Settings

CONTRAST, TEN_THOUSAND, OPENED = 1.0, 3.0, 1.0
"""Seconds: to draw `contrast`, to draw 10,000 messages, to open the latter."""

LARGEST = 2 << 20
"""Bytes of a page with 10,000 messages."""

REPEATS = 3


def record_of(name: str, given: dict[str, str], folder: Path) -> Record:
    """The judged record of a scenario, with its captures in `folder`."""
    folder.mkdir()
    (entry,) = catalogue.find([name])
    hosts = catalogue.topology(catalogue.compose_file(entry, None))
    job = catalogue.job(entry, hosts, given, 1, capture=True)
    here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
    return verdicts.judge(engine.run(job, here, lambda line: None))


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """The median of some repetitions.

    Drawing waits for nothing, so on an idle machine its processor time is its wall time; a browser
    consists of other processes, and is measured by the wall clock.
    """
    times = []
    for _ in range(REPEATS):
        began = clock()
        work()
        times.append(clock() - began)
    return statistics.median(times)


def told(what: str, value: float, bar: float, unit: str) -> bool:
    """Print a figure beside its bar, and say whether it is met."""
    print(f"{what:46} {value:10.3f} {unit:4} bar {bar:g}, ratio {value / bar:.2f}")
    return value <= bar


def opened(path: Path) -> float | None:
    """Seconds until Chromium has laid a page out; None without Chromium."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        return None
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chromium.get("about:blank")

        def look() -> None:
            chromium.get(path.as_uri())
            chromium.execute_script("return document.documentElement.scrollHeight")

        return seconds(look, time.perf_counter)
    finally:
        chromium.quit()


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        small = (record_of("contrast", {}, base / "contrast"), base / "contrast")
        large = (record_of("loss", {"count": "5000"}, base / "loss"), base / "loss")
        packets = len(story.load(*large).packet_events)
        messages = sum(probe.count for probe in large[0].probes)
        page.draw([small])  # templates are read once
        met = [
            told("draw contrast", seconds(lambda: page.draw([small])), CONTRAST, "s"),
            told(
                f"draw {messages} messages, {packets} packets",
                seconds(lambda: page.draw([large])),
                TEN_THOUSAND,
                "s",
            ),
        ]
        path = base / "report.html"
        path.write_text(page.draw([large]), encoding="utf-8")
        met.append(told("its size", path.stat().st_size / 1024, LARGEST / 1024, "KiB"))
        shown = opened(path)
        if shown is None:
            print("no chromium and chromedriver: opening was not measured")
        else:
            met.append(told("open it in Chromium", shown, OPENED, "s"))
        told("draw both side by side", seconds(lambda: compare.draw(small, large)), 3.0, "s")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
