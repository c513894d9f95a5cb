"""A database client across a failover: what was acknowledged must be there afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from echolab import Link, OpenLab

HERE = Path(__file__).parent

PORT = 6379

pytestmark = [
    pytest.mark.lab(seed=1, compose="redis.yaml"),
    pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed"),
]


def redis(lab: OpenLab, host: str, *words: str) -> str:
    """What Redis on that host answers to a command."""
    return lab.run(host, ["redis-cli", *words]).stdout.strip()


def failover(lab: OpenLab, kind: str) -> tuple[int, int]:
    """How many elements were acknowledged, and how many are there after the failover.

    The primary is cut off from its replica, not from the client; the replica is promoted.
    """
    primary = lab.address("a").ip
    common = ["--protected-mode", "no", "--save", "", "--dir", "/tmp"]
    more: dict[str, list[str]] = {"a": [], "b": ["--replicaof", primary, str(PORT)]}
    for host, words in more.items():
        lab.shape(host, Link(delay=0.005))
        delay = ["--repl-diskless-sync-delay", "0"]
        lab.start(host, ["redis-server", *common, *delay, *words])
        lab.until_listening(host, PORT)
    while "master_link_status:up" not in redis(lab, "b", "INFO", "replication"):
        lab.sleep(0.1)
    client = (HERE / "client.py").read_text(encoding="utf-8")
    program = lab.start("client", ["python3", "-c", client, kind, str(PORT), "a", "b"])
    lab.sleep(1)
    lab.partition("a", "b")
    assert redis(lab, "b", "REPLICAOF", "NO", "ONE") == "OK"
    lab.sleep(5)
    lab.heal()
    assert redis(lab, "a", "REPLICAOF", lab.address("b").ip, str(PORT)) == "OK"
    ended = program.wait()
    return int(ended.stdout), int(redis(lab, "b", "SCARD", "elements"))


def test_what_a_replica_has_confirmed_survives(lab: OpenLab) -> None:
    assert failover(lab, "right") == (20, 20)


def test_an_acknowledgement_of_the_primary_alone_is_no_promise(lab: OpenLab) -> None:
    """The mistake: the old primary goes on taking writes, and forgets them as a replica."""
    acknowledged, there = failover(lab, "wrong")
    assert acknowledged == 20 and there < 20
