"""The topology, as values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.job import Job
from echolab.record.format import plain, read
from echolab.topology import Attachment, Host, Network, Topology


def test_an_unknown_host_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no host 'c'; it has a, b"):
        Topology((Host("a"), Host("b"))).host("c")


def test_an_unknown_network_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no network 'c'; it has a, b"):
        Topology((Host("x"),), (Network("a"), Network("b"))).network("c")


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
hosts = st.builds(
    Host,
    name=names,
    command=st.lists(st.text(max_size=8)).map(tuple),
    environment=st.dictionaries(names, st.text(max_size=8)),
    idle=st.booleans(),
    networks=st.lists(st.builds(Attachment, names, ip=names)).map(tuple),
    links=st.lists(st.tuples(names, names)).map(tuple),
    extra_hosts=st.dictionaries(names, st.lists(names).map(tuple)),
)


@given(st.lists(hosts, min_size=1).map(tuple), st.booleans(), st.integers(0, 2**63))
def test_a_job_survives_its_way_through_json(
    given_hosts: tuple[Host, ...], ipv6: bool, seed: int
) -> None:
    networks = (Network("default", ipv6=ipv6), Network("b", ("10.5.0.0/16",), internal=True))
    lab = Topology(given_hosts, networks)
    job = Job("s", "/s.py", lab, {"loss": 0.1}, seed, False, ("/a",))
    assert read(Job, json.loads(json.dumps(plain(job))), "the job") == job
