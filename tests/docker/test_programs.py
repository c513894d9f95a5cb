"""Nothing stays of a program that was ended; tests/engines/test_contract.py has the rest."""

from __future__ import annotations

from echolab.engines.docker.network import ContainerNetwork
from echolab.engines.docker.program import output_of


def processes(network: ContainerNetwork, host: str) -> str:
    """The command lines of all processes of a host."""
    argv = ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]
    return output_of(network.api, network.containers[host], argv)[1]


def test_a_program_that_does_not_end_is_ended_with_its_children(network: ContainerNetwork) -> None:
    done = network.start("client", ["sh", "-c", "sleep 4321 & sleep 4322"]).wait(0.3)
    assert done.status is None
    assert "sleep 432" not in processes(network, "client")


def test_stop_ends_a_program_that_will_not(network: ContainerNetwork) -> None:
    program = network.start("client", ["sh", "-c", "trap '' TERM; while :; do sleep 4324; done"])
    network.sleep(0.1)
    assert program.stop().status == -9
    assert "4324" not in processes(network, "client")
