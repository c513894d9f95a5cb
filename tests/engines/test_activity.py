"""What is said of a run while it is under way: programs by their names, probes by their plans."""

from __future__ import annotations

import pytest

from echolab.engines import activity

PROBE = (
    *("python3", "-m", "echo_app.probe", "server", "--protocol", "udp", "--count", "500"),
    *("--interval", "0.02", "--timeout", "1.0"),
)

SNMP = """\
Tcp: RtoMin RetransSegs
Tcp: 200 {again}
Udp: InDatagrams NoPorts OutDatagrams
Udp: {received} 0 {sent}
"""


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("python3", "-c", 'x = """a\n b"""\n\n# programs/crowd.py', "7"), "programs/crowd.py 7"),
        (("python3", "-c", "import os\nos._exit(0)", "7"), "python3 7"),
        (("python3", "-c", "x = 1  # one\n# two\nx = 3", "7"), "python3 7"),
        (("python3", "-m", "echo_app.server"), "echo_app.server"),
        (("./client", "server", "x" * 99), f"./client server {'x' * 43}…"),
    ],
)
def test_a_program_is_never_called_by_its_source(argv: tuple[str, ...], name: str) -> None:
    assert activity.program(argv) == name


def test_a_probe_tells_how_long_it_takes() -> None:
    assert activity.line("loss", "client", PROBE, 4.2) == (
        "loss: client to server, 500 datagrams, 4 of about 11 s"
    )


@pytest.mark.parametrize(
    ("protocol", "more"), [("udp", "25"), ("tcp", "19"), ("tcp-connect", "19")]
)
def test_what_is_said_of_a_probe_fits_a_terminal(protocol: str, more: str) -> None:
    words = tuple(protocol if word == "udp" else word for word in PROBE)
    losses = activity.Losses(lambda: SNMP.format(sent=int(more), received=0, again=int(more)))
    said = activity.line("contrast", "client", words, 4.2) + losses(words, protocol)
    assert len(said) <= 80, said


def test_a_probe_of_a_moment_and_other_programs_tell_no_time() -> None:
    short = (*PROBE[:-4], "--interval", "0", "--timeout", "1.0")
    assert activity.line("loss", "client", short, 0.1).endswith(", 500 datagrams")
    assert activity.line("loss", "client", ("sleep", "9"), 3.0) == "loss: client runs sleep 9"


def test_datagrams_without_an_answer_are_counted_since_the_probe_began() -> None:
    read = iter([(100, 90, 3), (150, 120, 3), (200, 165, 7), (260, 165, 9)])
    losses = activity.Losses(
        lambda: SNMP.format(**dict(zip(("sent", "received", "again"), next(read), strict=True)))
    )
    said = [
        losses(PROBE, "udp"),
        losses(PROBE, "udp"),
        losses(("b",), "udp"),
        losses(("c",), "tcp"),
    ]
    assert [words.split()[1] for words in said] == ["0", "20", "5", "2"]
