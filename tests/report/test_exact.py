"""Real captures of the guest kernel: the story's dead are the kernel's, packet for packet."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.judge import verdicts
from echolab.record import Record
from echolab.report import page, story
from echolab.report.events import Story
from echolab.runs import catalogue
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact


def ran(name: str, seed: int, folder: Path) -> Record:
    """The judged record of a scenario, its captures in `folder`."""
    here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    (entry,) = catalogue.find([name])
    hosts = catalogue.topology(catalogue.compose_file(entry, None))
    job = catalogue.job(entry, hosts, {}, seed, capture=True)
    return verdicts.judge(engine.run(job, here, lambda line: None))


def counted(record: Record) -> dict[str, int]:
    """Packets that each host's kernel says died on its link."""
    before, after = record.counters.before, record.counters.after
    return {
        host: count.dropped + count.chosen - before[host].dropped - before[host].chosen
        for host, count in after.items()
    }


def told(loaded: Story) -> dict[str, int]:
    return {host: loaded.died(host) for host in loaded.hosts}


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("loss", 1),
        ("loss", 2),
        ("contrast", 3),
        ("head-of-line", 1),
        ("partition", 1),
        ("rate", 1),
        ("corrupt", 1),
        ("duplicate", 1),
        ("fragments", 1),
        ("refused", 1),
    ],
)
def test_what_the_story_says_died_is_what_the_kernel_counted(
    name: str, seed: int, tmp_path: Path
) -> None:
    record = ran(name, seed, tmp_path)
    loaded = story.load(record, tmp_path)
    assert loaded.packet_events
    assert told(loaded) == counted(record)
    assert all(event.passage.sent is not None for event in loaded.packet_events)
    if name != "corrupt":  # the bridge takes no frame whose addresses make no sense
        assert all(event.arrived or event.died for event in loaded.packet_events)


def test_every_message_that_a_probe_lost_has_a_packet_that_died(tmp_path: Path) -> None:
    record = ran("loss", 4, tmp_path)
    loaded = story.load(record, tmp_path)
    datagrams = next(probe for probe in record.probes if probe.protocol == "udp")
    lost = {exchange.number for exchange in datagrams.exchanges if exchange.fate == "lost"}
    begin = datagrams.started
    dead = {
        number
        for event in loaded.packet_events
        if event.packet.protocol == "udp" and not event.arrived
        for number in event.messages
        if loaded.seconds(event.at) >= begin - 0.001
    }
    assert lost == dead


def test_the_report_of_a_real_run_is_drawn_twice_alike(tmp_path: Path) -> None:
    record = ran("contrast", 5, tmp_path)
    drawn = page.draw([(record, tmp_path)])
    assert drawn == page.draw([(record, tmp_path)])
    assert "The first loss that was healed" in drawn
    assert 'class="packet again' in drawn
