"""Programs on a host: fed, watched, ended, and nothing of them stays."""

from __future__ import annotations

import pytest

from echolab.engines.docker import ContainerNetwork
from echolab.engines.program import output_of
from echolab.errors import BadInput


def processes(network: ContainerNetwork, host: str) -> str:
    """The command lines of all processes of a host."""
    argv = ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]
    return output_of(network.api, network.containers[host], argv)[1]


def test_output_error_and_status_come_back_apart(network: ContainerNetwork) -> None:
    done = network.start("client", ["sh", "-c", "echo out; echo err >&2; exit 3"]).wait(20)
    assert (done.stdout, done.stderr, done.status) == ("out\n", "err\n", 3)
    assert 0 <= done.started <= done.ended <= network.now()


def test_input_arrives_whole_and_is_closed(network: ContainerNetwork) -> None:
    data = bytes(range(256)) * 4096
    done = network.start("client", ["sha256sum"], input=data).wait(20)
    import hashlib

    assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_input_that_is_kept_open_takes_more(network: ContainerNetwork) -> None:
    program = network.start("client", ["head", "-n", "2"], keep_input=True)
    program.send(b"one\n")
    program.send(b"two\n")
    assert program.wait(20).stdout == "one\ntwo\n"


def test_the_environment_is_the_one_given(network: ContainerNetwork) -> None:
    done = network.start("client", ["printenv", "MARK"], environment={"MARK": "a $b"}).wait(20)
    assert done.stdout == "a $b\n"


def test_a_program_that_does_not_end_is_ended_with_its_children(network: ContainerNetwork) -> None:
    done = network.start("client", ["sh", "-c", "sleep 4321 & sleep 4322"]).wait(0.3)
    assert done.status is None
    assert "sleep 432" not in processes(network, "client")


def test_stop_lets_a_program_clean_up(network: ContainerNetwork) -> None:
    script = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(5))\n"
    script += "print('ready', flush=True)\ntime.sleep(4323)"
    program = network.start("client", ["python3", "-c", script])
    network.sleep(0.3)
    assert program.stop().status == 5


def test_stop_ends_a_program_that_will_not(network: ContainerNetwork) -> None:
    program = network.start("client", ["sh", "-c", "trap '' TERM; while :; do sleep 4324; done"])
    network.sleep(0.1)
    assert program.stop().status == -9
    assert "4324" not in processes(network, "client")


def test_a_program_that_is_not_there_is_bad_input(network: ContainerNetwork) -> None:
    with pytest.raises(BadInput, match="client has no program 'no-such-thing'"):
        network.start("client", ["no-such-thing"])


def test_a_flood_of_output_is_drained(network: ContainerNetwork) -> None:
    done = network.start("client", ["head", "-c", "80000000", "/dev/zero"]).wait(60)
    assert done.status == 0
    assert len(done.stdout) <= (64 << 20) + 100
    assert done.stdout.endswith("[the rest was left out]\n")


def test_system_calls_are_traced(network: ContainerNetwork) -> None:
    done = network.start("client", ["python3", "-m", "echo_app.stream_client"], trace=True).wait(20)
    assert done.status == 0
    assert "connect(" in done.calls
    assert "Wir erschrecken zu guten" in done.calls
