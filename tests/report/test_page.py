"""The page as text: whole, the same for the same record, and safe from what a record holds."""

from __future__ import annotations

import dataclasses
import html.parser
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.record import Check, Machine, ProgramRun, Record
from echolab.report import compare, messages, page, plots, strip, svg
from tests.report import made

Run = tuple[Record, Path]

HOSTILE = '<script>alert("1")</script>&amp;\'">'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    wire = made.Wire()
    made.healed(wire)
    fates = ["delivered", "lost", "late", "twice", "slow"] * 8
    probes = [made.probe("udp", fates), made.probe("tcp", ["delivered", "slow"] * 20)]
    return made.record(captures=wire.write(tmp_path), probes=tuple(probes)), tmp_path


class Outline(html.parser.HTMLParser):
    """Tags, attributes, headings and text of a page; complains about tags that do not match."""

    VOID = frozenset(("meta", "link", "br", "input", "img"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self.open[-1] != "p":
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_the_sentence_the_verdicts_and_their_figures_are_there(run: Run) -> None:
    said = Outline(page.draw([run])).said
    assert "„Allerdings gibt es keine Garantie" in said
    assert "1-(1-p)^2 of the datagrams stay unanswered." in said
    assert "datagrams lost on the way there or back" in said
    assert "96 of 500 = 19.20%" in said
    assert "19.00%" in said
    assert "95 % interval 15.99% to 22.88%" in said
    assert "tc qdisc replace dev eth0 root handle 1: netem" in said
    assert f"./lab replay {run[1].name}" in said
    assert "40 messages: 16 answered, 8 late, 8 lost, 8 twice" in said


def test_captures_are_linked_from_where_the_page_is(run: Run) -> None:
    record, folder = run
    name = record.captures[0].file
    assert f'<a href="{name}">{name}</a>' in page.draw([run])
    above = page.draw([run], beside=folder.parent)
    assert f'<a href="{folder.name}/{name}">' in above


def test_a_proof_of_the_network_is_explained(run: Run) -> None:
    record, folder = run
    checked = dataclasses.replace(record, checks=(Check("baseline", "pass", "nothing was lost"),))
    assert "baseline : nothing was lost" in Outline(page.draw([(checked, folder)])).said


def test_the_same_record_gives_the_same_bytes(run: Run) -> None:
    assert page.draw([run]) == page.draw([run])
    assert compare.draw(run, run) == compare.draw(run, run)


def test_a_page_asks_nothing_of_the_network(run: Run) -> None:
    outline = Outline(page.draw([run]))
    for name, value in outline.attributes:
        if name in ("src", "href", "action", "data", "poster", "srcset"):
            assert value is not None
            assert value.startswith(("#", "data:")) or value.endswith(".pcap")
    assert "url(" not in page.draw([run])
    assert "@import" not in page.draw([run])


@pytest.mark.parametrize(
    "changes",
    [
        {"sentence": HOSTILE, "summary": HOSTILE, "expect": HOSTILE, "scenario": HOSTILE},
        {"warnings": (HOSTILE,), "kernel": HOSTILE, "machine": Machine(*[HOSTILE] * 3)},
        {"parameters": {HOSTILE: HOSTILE}, "engine": HOSTILE},
        {"verdict": "fail", "checks": (Check(HOSTILE, "fail", HOSTILE),)},
    ],
    ids=["sentence", "environment", "parameters", "checks"],
)
def test_markup_in_a_record_is_shown_and_not_interpreted(run: Run, changes: dict[str, Any]) -> None:
    record, folder = run
    plain = Outline(page.draw([run])).tags.count("script")
    drawn = page.draw([(dataclasses.replace(record, **changes), folder)])
    outline = Outline(drawn)
    assert outline.tags.count("script") == plain
    assert HOSTILE in outline.said
    assert "<script>alert" not in drawn


def test_markup_in_a_payload_a_host_and_a_call_is_shown_and_not_interpreted(
    tmp_path: Path,
) -> None:
    wire = made.Wire()
    payload = HOSTILE.encode()
    wire.send(1.0, "client", "server", made.datagram("client", "server", payload))
    client, server = made.hosts()
    hosts = (client, dataclasses.replace(server, name="<b>server</b>"))
    trace = (
        "1 1700000001.000000 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3\n"
        '1 1700000001.000001 sendto(3, "<i>x</i>", 8, 0, NULL, 0) = -1 <u>EVIL</u>\n'
    )
    *captures, last = wire.write(tmp_path)
    captures.append(dataclasses.replace(last, host="<b>server</b>"))
    program = made.program(calls=trace, started=1.0)
    record = made.record(captures=tuple(captures), hosts=hosts, programs=(program,))
    drawn = page.draw([(record, tmp_path)])
    tags = Outline(drawn).tags
    assert not {"b", "i", "u"} & set(tags)
    assert tags.count("script") == 1
    assert "&lt;b&gt;server&lt;/b&gt;" in drawn
    assert "&lt;i&gt;x&lt;/i&gt;" in drawn
    assert "&lt;script&gt;alert(&quot;1&quot;)" in drawn or '&lt;script&gt;alert("1")' in drawn


def test_every_picture_has_words_beside_it(run: Run) -> None:
    drawn = page.draw([run])
    pictures = re.findall(r"<svg [^>]*role=\"img\"[^>]*>", drawn)
    assert len(pictures) >= 5
    ladders = re.findall(r"<svg [^>]*role=\"group\"[^>]*>", drawn)
    assert ladders
    named = re.compile(r'aria-label="[^"]{20,}"')
    assert all(named.search(picture) for picture in (*pictures, *ladders))


def test_headings_go_down_one_level_at_a_time(run: Run) -> None:
    for drawn in (page.draw([run]), page.draw([run, run]), compare.draw(run, run)):
        levels = [int(tag[1]) for tag in Outline(drawn).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_a_report_of_many_opens_with_the_table_of_sentences(run: Run) -> None:
    record, folder = run
    other = dataclasses.replace(
        record,
        scenario="latency",
        sentence="weshalb UDP wesentlich schneller ist",
        verdict="fail",
    )
    drawn = page.draw([run, (other, folder)])
    said = Outline(drawn).said
    assert said.index("wesentlich schneller") < said.index("What was claimed, what was seen")
    assert drawn.count('href="#run-2"') == 1
    assert drawn.count('id="run-2"') == 1
    assert len(re.findall(r'id="[^"]+"', drawn)) == len(set(re.findall(r'id="[^"]+"', drawn)))


def test_ten_thousand_messages_stay_under_two_mebibytes(tmp_path: Path) -> None:
    fates = (["delivered"] * 7 + ["lost", "late", "slow"]) * 1000
    probes = tuple(made.probe(protocol, fates) for protocol in ("udp", "tcp"))
    drawn = page.draw([(made.record(probes=probes), tmp_path)])
    assert len(drawn.encode()) < 2 << 20
    assert "10000 messages" in drawn


def test_two_runs_stand_side_by_side_with_what_differs_first(run: Run) -> None:
    record, folder = run
    other = dataclasses.replace(record, engine="docker", parameters={"loss": 0.2, "count": 500})
    rows = compare.settings(record, other)
    assert [row[0] for row in rows if row[3]] == ["engine", "loss"]
    assert [row[3] for row in rows] == sorted((row[3] for row in rows), reverse=True)
    said = Outline(compare.draw(run, (other, folder))).said
    assert "A 32 of 40 answered" in said
    assert "B 32 of 40 answered" in said


def test_a_claim_that_one_run_does_not_state_is_told(run: Run) -> None:
    record, folder = run
    other = dataclasses.replace(record, claims=())
    assert "not claimed" in Outline(compare.draw(run, (other, folder))).said
    assert "states no claim" in Outline(page.draw([(other, folder)])).said


def test_what_a_program_said_and_how_it_ended_is_told(run: Run) -> None:
    record, folder = run
    program = ProgramRun(
        host="client",
        argv=("./client", "a word"),
        status=-11,
        stdout="<u>Wir erschrecken</u>\n",
        stderr="x" * 5000,
        started=1.0,
        ended=1.25,
    )
    changed = dataclasses.replace(record, programs=(program,))
    outline = Outline(page.draw([(changed, folder)]))
    assert "client$ ./client 'a word'" in outline.said
    assert "ended by signal 11 after 0.250000 s" in outline.said
    assert "<u>Wir erschrecken</u>" in outline.said
    assert "u" not in outline.tags
    assert "x" * 2500 not in outline.said


def test_a_link_that_reads_back_otherwise_is_told_at_its_command(run: Run) -> None:
    record, folder = run
    (shaped,) = record.commands
    read = dataclasses.replace(
        shaped,
        argv=("tc", "-j", "qdisc"),
        read_back=[{}],
        differs=("loss: asked for 0.1, the kernel has 0.08",),
    )
    changed = dataclasses.replace(record, commands=(shaped, read))
    said = Outline(page.draw([(changed, folder)])).said
    assert "The kernel has something else: loss: asked for 0.1, the kernel has 0.08" in said


def test_each_fate_has_a_sign_and_a_message_out_of_order_is_seen() -> None:
    probe = made.probe("udp", ["delivered", "slow", "delivered", "delivered", "lost", "late"])
    came = sorted(one.received for one in probe.exchanges if one.received is not None)
    exchanges = tuple(
        one if one.received is None else dataclasses.replace(one, order=came.index(one.received))
        for one in probe.exchanges
    )
    probe = dataclasses.replace(probe, exchanges=exchanges)
    (series,) = messages.series(made.record(probes=(probe,)))
    fates = [message.fate for message in series.messages]
    assert fates == ["answered", "out of order", "answered", "answered", "lost", "late"]
    assert 'data-fates="aoaaxl"' in strip.draw(series)


@given(st.lists(st.floats(1e-6, 100), min_size=1, max_size=60), st.integers(0, 20))
def test_a_distribution_ends_at_the_share_that_was_answered(
    latencies: list[float], lost: int
) -> None:
    answered = [messages.Message(n, 0.0, value, "answered") for n, value in enumerate(latencies)]
    missing = [messages.Message(n, 0.0, None, "lost") for n in range(lost)]
    series = messages.Series("datagrams", 0, "udp", tuple(answered + missing))
    drawn = plots.distribution([series])
    heights = [float(height) for height in re.findall(r"V([\d.]+)", drawn)]
    bottom, top = plots.HEIGHT - plots.BOTTOM, plots.TOP
    share = len(latencies) / (len(latencies) + lost)
    assert heights[-1] == pytest.approx(bottom + (top - bottom) * share, abs=0.06)
    assert heights == sorted(heights, reverse=True)


@given(st.text(min_size=1), st.text())
def test_no_text_leaves_its_element(content: str, value: str) -> None:
    drawn = svg.text(content, x=1, class_=value)
    assert drawn.count("<") == 2
    attribute = drawn[: drawn.index(">")]
    assert attribute.count('"') == 4
