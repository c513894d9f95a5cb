"""A network that is up in another process, asked over a channel: the contract's `Network`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from types import TracebackType
from typing import Any

from echolab.engines import serve
from echolab.engines.contract import (
    Capture,
    Network,
    ProgramRun,
    Traits,
)
from echolab.engines.job_files import Failure
from echolab.engines.serve import Description
from echolab.errors import BadInput
from echolab.record.format import read
from echolab.record.values import Json, Life

WHERE = "the lab's answer"

Ask = Callable[[str], Json]
"""Sends a request in JSON and returns the answer. Raises CannotRun if the lab has ended."""


def value(answer: Json) -> Any:
    """The value of an answer. Raises the error if the answer holds one instead."""
    assert isinstance(answer, dict)
    if answer.get("error"):
        raise read(Failure, answer["error"], WHERE).error()
    return answer.get("value")


class RemoteProgram:
    """A program that was started on a host of a remote network; see the contract."""

    def __init__(
        self, do: Callable[..., Any], number: int, host: str, argv: tuple[str, ...]
    ) -> None:
        self.host = host
        self.argv = argv
        self._do = do
        self._number = number
        self._ended: ProgramRun | None = None

    def wait(self, timeout: float | None = None) -> ProgramRun:
        """Wait for the end and return how the program ended."""
        return self._end("wait", self._number, timeout)

    def stop(self) -> ProgramRun:
        """End the program."""
        return self._end("stop", self._number)

    def send(self, data: bytes) -> None:
        """Write to the program's standard input."""
        self._do("send", self._number, data.decode("latin-1"))

    def _end(self, *request: Json) -> ProgramRun:
        if self._ended is None:
            self._ended = read(ProgramRun, self._do(*request), WHERE)
        return self._ended


class RemoteNetwork:
    """A network that another process holds up until `end` is called, by `close`.

    `opened` is the answer that announced it; `folder` is where its captures are on this side.
    """

    def __init__(
        self, ask: Ask, opened: Json, traits: Traits, folder: Path, end: Callable[[], None]
    ) -> None:
        described = read(Description, value(opened), WHERE)
        self.traits = traits
        self.link_by = described.link_by
        self.kernel = described.kernel
        self.link_kernel = described.link_kernel
        self.seeds_links = described.seeds_links
        self.addresses = described.addresses
        self.interfaces = described.interfaces
        self._epoch = described.epoch
        self._ask = ask
        self._folder = folder
        self._end = end
        self._closed = False

    def _do(self, *request: Json) -> Any:
        if self._closed:
            raise BadInput(f"cannot {request[0]}: the lab has ended", "open another one")
        return value(self._answer(*request))

    def _answer(self, *request: Json) -> Json:
        return self._ask(json.dumps(request))

    def start(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        keep_input: bool = False,
    ) -> RemoteProgram:
        """Start a program on a host; see the contract."""
        given = None if input is None else input.decode("latin-1")
        words = list(argv)
        number = self._do(
            "start", host, words, given, environment and dict(environment), trace, keep_input
        )
        return RemoteProgram(self._do, number, host, tuple(words))

    @property
    def lives(self) -> Sequence[Life]:
        """What happened to services by themselves; see the contract."""
        return [read(Life, one, WHERE) for one in self._do("lives")]

    @property
    def gone(self) -> Set[str]:
        """No host: a host whose service has ended goes on."""
        return frozenset()

    def watch(self, ended: Callable[[str], None], revived: Callable[[str], None]) -> None:
        """Do nothing, since no host ends with its service; see the contract."""

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run `tc ARGUMENTS` for the links of a host; see the contract."""
        return str(self._do("tc", host, list(arguments)))

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys; see the contract."""
        return str(self._do("read", host, path))

    def kill(self, host: str) -> None:
        """Take a host's power away; see the contract."""
        self._do("kill", host)

    def pause(self, host: str) -> None:
        """Stop every program of a host; see the contract."""
        self._do("pause", host)

    def resume(self, host: str) -> None:
        """Let the programs of a paused host go on; see the contract."""
        self._do("resume", host)

    def restart(self, host: str, before_start: Callable[[], None] | None = None) -> None:
        """Give a host its power back; see the contract."""
        if before_start is None:
            self._do("restart", host, False)
            return
        answer = self._answer("restart", host, True)
        if answer != serve.BEFORE_START:
            value(answer)
            return
        try:
            before_start()
        except BaseException:
            self._answer(serve.GIVE_UP)
            raise
        self._do(serve.GO_ON)

    def now(self) -> float:
        """Lab seconds since the network was opened."""
        return float(self._do("now"))

    def epoch(self) -> float:
        """Seconds since 1970, as the lab counts them, at which the network was opened."""
        return self._epoch

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        self._do("sleep", seconds)

    def captures(self) -> Sequence[Capture]:
        """Finish the captures and name their files here; see the contract."""
        found = [read(Capture, one, WHERE) for one in self._do("captures")]
        return [
            dataclasses.replace(one, file=str(self._folder / Path(one.file).name)) for one in found
        ]

    def close(self) -> None:
        """Release everything; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._end()

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
