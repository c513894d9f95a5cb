"""The kernel's counters, read as this kernel prints them and as they may be printed."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from echolab.scenario import counters
from echolab.tc import dropped_by_number, qdiscs

RECORDED = Path(__file__).parent.parent / "recorded"

NAMES = st.text("ABCDEFabcdef", min_size=1, max_size=8)


def test_this_kernels_files_are_read() -> None:
    """Names of RFC 4293 and RFC 4022, whatever else a kernel counts."""
    found = counters.named(Path("/proc/net/snmp").read_text(encoding="ascii"))
    assert {"Ip.InReceives", "Ip.OutRequests", "Tcp.RetransSegs", "Udp.InDatagrams"} <= set(found)
    found = counters.named(Path("/proc/net/netstat").read_text(encoding="ascii"))
    assert "TcpExt.ListenOverflows" in found


@given(values=st.dictionaries(NAMES, st.integers(-1, 2**63), min_size=1))
def test_names_and_values_of_a_group_belong_together(values: dict[str, int]) -> None:
    text = f"Group: {' '.join(values)}\nGroup: {' '.join(map(str, values.values()))}\n"
    assert counters.named(text) == {f"Group.{name}": value for name, value in values.items()}


@given(received=st.integers(0, 2**63), sent=st.integers(0, 2**63))
def test_a_device_is_found_among_others(received: int, sent: int) -> None:
    lines = [
        "Inter-|   Receive",
        " face |bytes packets",
        "    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0",
        f"  eth0:9 {received} 0 0 0 0 0 0 9 {sent} 0 0 0 0 0 0",
    ]
    assert counters.device("\n".join(lines)) == (received, sent)
    assert counters.device("\n".join(lines), "lo") == (2, 4)
    assert counters.device("") == (0, 0)


def snmp(**values: int) -> str:
    """The first two lines of /proc/net/snmp."""
    return f"Ip: {' '.join(values)}\nIp: {' '.join(map(str, values.values()))}\n"


DEVICES = "lo: 0 5 0 0 0 0 0 0 0 5\neth0: 0 40 0 0 0 0 0 0 0 70\n"


def test_packets_over_loopback_are_in_neither_sum() -> None:
    text = snmp(InReceives=45, OutRequests=9, OutTransmits=75)
    count = counters.make(text, "", "", DEVICES, (0, 0, 0), 0)
    assert (count.ip_in, count.ip_out) == (40, 70)


def test_before_linux_6_7_fragments_stand_in_for_what_was_cut() -> None:
    """One datagram cut into four is four packets."""
    text = snmp(InReceives=45, OutRequests=72, FragOKs=1, FragCreates=4)
    count = counters.make(text, "", "", DEVICES, (0, 0, 0), 0)
    assert count.ip_out == 70


def test_queues_of_several_bands_are_added_and_others_left_out() -> None:
    shown = json.loads((RECORDED / "statistics-toward.json").read_text(encoding="utf-8"))
    for number, qdisc in enumerate(shown, start=1):
        qdisc.update(packets=10**number, drops=number, qlen=1)
    assert [qdisc["kind"] for qdisc in shown] == ["prio", "netem", "netem", "clsact"]
    assert counters.queue(qdiscs(json.dumps(shown))) == (1100, 5, 2)


def test_only_the_action_at_the_end_kills() -> None:
    shown = json.loads((RECORDED / "filter-drop.json").read_text(encoding="utf-8"))
    chains = [
        entry["options"]["actions"] for entry in shown if "actions" in entry.get("options", {})
    ]
    for actions in chains:
        for action in actions:
            action["stats"]["packets"] = 1
    assert len(chains[0]) > 2
    assert dropped_by_number(json.dumps(shown)) == len(chains)
