"""What a probe can be asked, and how it refuses the rest."""

from __future__ import annotations

import io
import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_app import probe, request


def test_defaults_depend_on_the_protocol() -> None:
    """Datagrams linger as long as their timeout, streams two minutes."""
    assert request.parse(["server"]) == request.Request("server")
    assert request.parse(["server", "--timeout", "3"]).linger == 3
    for protocol in ("tcp", "tcp-connect"):
        assert request.parse(["server", "--protocol", protocol]).linger == 120


def test_every_option_is_read_in_both_forms() -> None:
    """`--name VALUE` and `--name=VALUE` mean the same, before the target or after it."""
    options = {
        "protocol": "tcp", "count": "7", "size": "99", "interval": "0.25",
        "timeout": "2.5", "linger": "4", "port": "4711", "source-port": "815",
    }  # fmt: skip
    apart = [word for name, value in options.items() for word in (f"--{name}", value)]
    joined = [f"--{name}={value}" for name, value in options.items()]
    wanted = request.Request("a-host", "tcp", 7, 99, 0.25, 2.5, 4.0, 4711, 815)
    assert request.parse([*apart, "a-host"]) == wanted
    assert request.parse(["a-host", *joined]) == wanted


def test_the_plan_counts_nanoseconds() -> None:
    """Decimal fractions of a second become whole nanoseconds."""
    plan = request.parse(["h", "--interval", "0.02", "--timeout", "0.3"]).plan()
    assert plan == (10, 20_000_000, 300_000_000, 300_000_000)


BAD = {
    "no target": [],
    "two targets": ["a", "b"],
    "unknown option": ["h", "--speed", "3"],
    "single dash": ["h", "-count", "3"],
    "missing value": ["h", "--count"],
    "unknown protocol": ["h", "--protocol", "sctp"],
    "count of none": ["h", "--count", "0"],
    "count with a fraction": ["h", "--count", "2.5"],
    "count too high": ["h", "--count", "1000001"],
    "size too small": ["h", "--size", "15"],
    "datagram too large": ["h", "--size", "65508"],
    "negative interval": ["h", "--interval", "-1"],
    "interval that is not a number": ["h", "--interval", "nan"],
    "endless timeout": ["h", "--timeout", "inf"],
    "no timeout": ["h", "--timeout", "0"],
    "port 0": ["h", "--port", "0"],
    "port too high": ["h", "--port", "65536"],
    "too few source ports": ["h", "--protocol=tcp-connect", "--source-port=65530"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_and_status_2(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, nothing on standard output, the option or what is missing is named."""
    out = io.StringIO()
    assert probe.run(arguments, out) == 2
    assert out.getvalue() == ""
    said = capsys.readouterr().err
    assert said.startswith("echo_app.probe: ")
    assert said.count("\n") == 1
    if len(arguments) > 1 and arguments[1].startswith("-"):
        assert arguments[1].partition("=")[0] in said or "--source-port" in said


@given(st.lists(st.text(max_size=8) | st.sampled_from(["--count", "--size=", "--port", "1"])))
def test_no_arguments_break_the_parser(arguments: Sequence[str]) -> None:
    """Any words are read or refused."""
    try:
        assert request.parse(arguments).messages >= 1
    except request.Wrong as error:
        assert str(error)


def test_a_source_port_in_use_is_one_line_and_status_2(
    free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """For each protocol that binds before it sends."""
    with socket.socket(type=socket.SOCK_DGRAM) as datagram, socket.socket() as stream:
        for holder in (datagram, stream):
            holder.bind(("", free_port))
        stream.listen()
        for protocol in ("udp", "tcp"):
            out = io.StringIO()
            arguments = ["127.0.0.1", f"--source-port={free_port}", f"--protocol={protocol}"]
            assert probe.run(arguments, out) == 2
            assert out.getvalue() == ""
            said = capsys.readouterr().err
            assert said.startswith("echo_app.probe: cannot create a socket for this probe: Addr")
            assert said.count("\n") == 1
