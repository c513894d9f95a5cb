"""The lab's side of a network that another process uses: it carries out the requests.

A request is a list: the name of the operation, and its arguments. An answer is an object with the
`value`, or with the `error` (`Failure`); or it says that `before_start` is due. Then it is the
other side's turn until it lets the restart go on.
"""

from __future__ import annotations

import dataclasses
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from echolab.engines.calls import Caller
from echolab.engines.contract import Address, Interface, Network, Program
from echolab.engines.job_files import Failure
from echolab.errors import CannotRun, EcholabError
from echolab.record.format import plain
from echolab.record.values import Json

CLOSE, GO_ON, GIVE_UP = "close", "go-on", "give-up"
"""Requests that end something: the network, or a restart that waits."""

BEFORE_START: Json = {"due": "before_start"}


@dataclasses.dataclass(frozen=True)
class Description:
    """What does not change while a network is up; the names are those of `Network`."""

    link_by: str
    kernel: str
    link_kernel: str
    seeds_links: bool
    epoch: float
    addresses: Mapping[str, Address]
    interfaces: Mapping[str, tuple[Interface, ...]]

    @classmethod
    def of(cls, network: Network) -> Self:
        """The description of a network that is up."""
        return cls(
            network.link_by,
            network.kernel,
            network.link_kernel,
            network.seeds_links,
            network.epoch(),
            dict(network.addresses),
            dict(network.interfaces),
        )


class _GivenUp(Exception):
    """The other side failed in what it does before a host's service starts."""


def error(failed: BaseException) -> dict[str, Json]:
    """The answer for an exception."""
    if isinstance(failed, EcholabError):
        failure = Failure(type(failed).__name__, failed.message, failed.remedy)
    else:
        said = f"the engine failed: {type(failed).__name__}: {failed}"
        trace = "".join(traceback.format_exception(failed))
        failure = Failure(CannotRun.__name__, said, "report it", trace)
    return {"error": plain(failure)}


def serve(network: Network, call: Caller) -> None:
    """Carry out requests to a network until one asks to close it."""
    _Served(network, call).until(CLOSE, {"value": plain(Description.of(network))})


class _Served:
    """A network and the programs that were started on it, each with a number."""

    def __init__(self, network: Network, call: Caller) -> None:
        self._network = network
        self._call = call
        self._programs: list[Program] = []
        self._verbs: Mapping[str, Callable[..., Any]] = {
            "start": self._start,
            "wait": lambda number, timeout: self._programs[number].wait(timeout),
            "stop": lambda number: self._programs[number].stop(),
            "send": lambda number, data: self._programs[number].send(data.encode("latin-1")),
            "restart": self._restart,
            "lives": lambda: list(network.lives),
            **{
                name: getattr(network, name)
                for name in ("tc", "read", "kill", "pause", "resume", "now", "sleep", "captures")
            },
        }

    def until(self, last: str, answer: Json) -> None:
        """Carry out requests until the request `last`. Raises _GivenUp if that is asked for."""
        while True:
            asked = self._call(json.dumps(answer))
            assert isinstance(asked, list)
            verb, *arguments = asked
            if verb == last:
                return
            if verb == GIVE_UP:
                raise _GivenUp
            try:
                answer = {"value": plain(self._verbs[verb](*arguments))}
            except _GivenUp:
                answer = {"value": None}
            except Exception as failed:
                answer = error(failed)

    def _start(
        self,
        host: str,
        argv: Sequence[str],
        input: str | None,
        environment: Mapping[str, str] | None,
        trace: bool,
        keep_input: bool,
    ) -> int:
        program = self._network.start(
            host,
            argv,
            input=None if input is None else input.encode("latin-1"),
            environment=environment,
            trace=trace,
            keep_input=keep_input,
        )
        self._programs.append(program)
        return len(self._programs) - 1

    def _restart(self, host: str, asks: bool) -> None:
        self._network.restart(host, self._before_start if asks else None)

    def _before_start(self) -> None:
        self.until(GO_ON, BEFORE_START)
