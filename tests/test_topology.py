"""The topology: what it takes from a Compose file, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from echolab.catalogue import ROOT, topology
from echolab.errors import BadInput
from echolab.job import Job
from echolab.topology import Host, Topology, parse


def test_the_lab_has_a_server_that_serves_and_a_client_that_scenarios_drive() -> None:
    lab = topology(ROOT / "compose.yaml")
    assert lab.names() == ("server", "client")
    assert not lab.host("server").idle and lab.host("client").idle
    assert lab.host("server").command[:2] == ("python3", "-m")


def test_a_compose_file_is_read_alike_where_pyyaml_lacks_libyaml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("services: {a: [", encoding="utf-8")
    lab = topology(ROOT / "compose.yaml")
    assert yaml.__with_libyaml__
    with pytest.raises(BadInput, match="is no YAML: while parsing a flow"):
        topology(bad)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert topology(ROOT / "compose.yaml") == lab
    with pytest.raises(BadInput, match="is no YAML: while parsing a flow"):
        topology(bad)


def test_a_command_is_words_or_text_and_replicas_are_hosts_of_their_own() -> None:
    lab = parse(
        {
            "services": {
                "a": {"command": "echo 'two words' x", "environment": ["K=V", "L"]},
                "b": {
                    "entrypoint": ["run"],
                    "command": ["it", 7],
                    "environment": {"A": True, "N": None},
                    "deploy": {"replicas": 2},
                },
            },
            "networks": {"default": {"enable_ipv6": True}},
        }
    )
    assert lab.names() == ("a", "b-1", "b-2")
    assert lab.host("a").command == ("echo", "two words", "x")
    assert lab.host("a").environment == {"K": "V"}
    assert lab.host("b-2").command == ("run", "it", "7")
    assert lab.host("b-1").environment == {"A": "true"}
    assert lab.ipv6


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "no Compose file"),
        ([], "no Compose file"),
        ({"services": {}}, "'services' is empty"),
        ({"services": {"a": 3}}, "services.a is no mapping"),
        ({"services": {"a b": {}}}, "'a b' is no host name"),
        ({"services": {"a": {"command": "x 'y"}}}, "services.a.command: No closing quotation"),
        ({"services": {"a": {"command": {"x": 1}}}}, "neither text nor a list"),
        ({"services": {"a": {"environment": 3}}}, "environment is neither"),
        ({"services": {"a": {"scale": 0}}}, "0 replicas"),
        ({"services": {"a": {"deploy": {"replicas": "x"}}}}, "'x' replicas"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_the_place(document: Any, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        parse(document, "lab.yaml")
    assert str(caught.value).startswith("lab.yaml") and "\n" not in str(caught.value)


def test_an_unknown_host_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no host 'c'; it has a, b"):
        Topology((Host("a"), Host("b"))).host("c")


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["services", "networks", "x"]), values) | values)
def test_no_document_makes_the_parser_fail_otherwise_than_by_bad_input(document: Any) -> None:
    try:
        found = parse(document)
    except BadInput as error:
        assert "\n" not in error.remedy
    else:
        assert found.hosts


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
hosts = st.builds(
    Host,
    name=names,
    command=st.lists(st.text(max_size=8)).map(tuple),
    environment=st.dictionaries(names, st.text(max_size=8)),
    idle=st.booleans(),
)


@given(st.lists(hosts, min_size=1).map(tuple), st.booleans(), st.integers(0, 2**63))
def test_a_job_survives_its_way_through_json(
    given_hosts: tuple[Host, ...], ipv6: bool, seed: int
) -> None:
    job = Job("s", "/s.py", Topology(given_hosts, ipv6), {"loss": 0.1}, seed, False, ("/a",))
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
