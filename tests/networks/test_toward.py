"""Links toward single hosts: each its own, in both families, also where they are many."""

from __future__ import annotations

import pytest

from tests.networks.conftest import Run, passed

pytestmark = pytest.mark.exact

STAR = """
    services:
      server: {image: echolab-host, command: [python3, -m, echo_app.server], scale: 20}
      client: {image: echolab-host, x-echolab: idle}
    networks: {default: {enable_ipv6: true}}
"""


def test_each_of_twenty_links_is_its_own_in_both_families(exactly: Run) -> None:
    record = exactly(
        STAR,
        """
        ANSWER = "import socket,sys; s=socket.socket(socket.AF_INET6,2); s.bind(('::',99));" \\
            "[s.sendto(*s.recvfrom(9)) for _ in range(1)]"
        ASK = "import socket,sys,time; s=socket.socket(socket.AF_INET6,2); t=time.monotonic();" \\
            "s.sendto(b'x',(sys.argv[1],99)); s.recv(9); print(time.monotonic()-t)"

        @scenario(baseline=False)
        def star(lab: Lab) -> None:
            peers = [name for name in lab.hosts if name != "client"]
            delays = {name: 0.01 * number for number, name in enumerate(peers, start=1)}
            lab.shape("client", *(Link(delay=delay, toward=name) for name, delay in delays.items()))
            for name, delay in delays.items():
                probe = lab.probe("client", name, "udp", count=2)
                lab.expect_time(name, probe.median, delay)
            for name in ("server-1", "server-20"):
                lab.start(name, ["python3", "-c", ANSWER])
                lab.sleep(0.1)
                asked = lab.run("client", ["python3", "-c", ASK, lab.address(name).ip6])
                lab.expect_time(f"{name}, IPv6", float(asked.stdout), delays[name])
        """,
    )
    assert len(record.claims) == 22
    assert passed(record)


def test_hosts_on_the_other_side_of_a_partition_hear_nothing(exactly: Run) -> None:
    record = exactly(
        STAR.replace("20", "3"),
        """
        @scenario
        def cut(lab: Lab) -> None:
            mine, others = ("client", "server-1"), ("server-2", "server-3")
            for here, there in ((mine, others), (others, mine)):
                for host in here:
                    lab.shape(host, *(Link(loss=1, toward=peer) for peer in there))
            for host in mine:
                for peer in others:
                    before = lab.counter(peer, "Udp.InDatagrams")
                    probe = lab.probe(host, peer, count=5, timeout=0.1)
                    lab.expect_equal("answers", probe.delivered, 0)
                    lab.expect_equal("asked", lab.counter(peer, "Udp.InDatagrams") - before, 0)
            lab.expect_equal("beside", lab.probe("client", "server-1", count=5).delivered, 5)
        """,
    )
    assert passed(record)


def test_a_filter_that_goes_missing_makes_the_run_inconclusive(exactly: Run) -> None:
    record = exactly(
        STAR.replace("20", "3"),
        """
        @scenario
        def lost(lab: Lab) -> None:
            lab.shape("client", Link(delay=0.1, toward="server-2"))
            lab.network.tc("client", "filter del dev eth0 parent 1: pref 1".split())
            lab.expect("it goes on", True)
        """,
    )
    (check,) = (one for one in record.checks if one.name == "read-back")
    assert check.verdict == "inconclusive"
    assert "no filter that leads" in check.why


def test_packets_are_dropped_by_their_numbers_in_both_families(exactly: Run) -> None:
    record = exactly(
        STAR.replace("20", "2"),
        """
        SEND = '''
        import socket, sys
        four, six = (socket.socket(family, 2) for family in (socket.AF_INET, socket.AF_INET6))
        for number in range(3):
            four.sendto(b"4%d" % number, (sys.argv[1], 99))
            six.sendto(b"6%d" % number, (sys.argv[2], 99))
        '''
        HEAR = '''
        import socket
        s = socket.socket(socket.AF_INET6, 2)
        s.bind(("::", 99))
        s.settimeout(1)
        try:
            while True:
                print(s.recv(9).decode(), end=" ", flush=True)
        except TimeoutError:
            pass
        '''

        @scenario(baseline=False)
        def numbers(lab: Lab) -> None:
            for link in (Link(drop=(2, 5)), Link(drop=(2, 5), toward="server-1")):
                lab.shape("client", link)
                hearing = lab.start("server-1", ["python3", "-c", strip(HEAR)])
                lab.sleep(0.2)
                there = lab.address("server-1")
                lab.run("client", ["python3", "-c", strip(SEND), there.ip, there.ip6])
                lab.expect_equal("heard", hearing.wait().stdout.split(), ["40", "41", "61", "62"])
                lab.clear("client")

        def strip(text: str) -> str:
            import textwrap
            return textwrap.dedent(text)
        """,
    )
    assert passed(record)
