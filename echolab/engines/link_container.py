"""The container beside a host that shapes its link, reads its counters, captures.

Where the machine's kernel has no netem, the container boots the guest kernel that we build
(echolab.kernel), not Debian's package user-mode-linux. The package would save 2.5 minutes
of building, once; but it takes 1.6 s to boot each link where ours takes 0.2 s, is older
(6.12, which catches system calls the slower way), fixes the timer at 100 Hz, and is one
more kernel to prove: the exact engine, and any machine without Docker, needs ours anyway.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from echolab.engines.attached import STDOUT, Api, Stream
from echolab.engines.daemon import daemon_errors
from echolab.errors import CannotRun
from echolab.kernel.arguments import Boot, RealTime, boot_arguments, boot_environment
from echolab.kernel.image import Kernel

KERNEL_THERE = "/opt/echolab/linux"
"""Where the link container finds the guest kernel."""

ROOM = "/tmp"  # noqa: S108 (in the link container, which has nothing else to write to)

GUEST = ("/usr/bin/python3", "-S", "-E", "/opt/echolab/guest.py")
"""The guest's first program: a file of the link image (images/link/guest.py)."""

MEMORY = 96
"""Mebibytes for the guest, enough for a capture too; it takes up what it touches."""

ANSWER_LIMIT = 60.0
"""Seconds in which the agent must answer."""

APPLIANCE = Boot(
    init=GUEST,
    memory=MEMORY,
    clock=RealTime(),
    console="fd:0,fd:1",
    devices=(
        "vec0:transport=tap,ifname=link0,depth=128",
        "vec1:transport=fd,fd=10,depth=128",
        # Nothing but the host's own packets may come out of the appliance.
        "ipv6.disable=1",
    ),
)


class LinkContainer:
    """One host's link: `ask` has its agent (images/link/agent.py) do something.

    `changed` is notified when the link breaks by itself; `broken` then says why.
    """

    def __init__(
        self,
        api: Api,
        changed: threading.Condition,
        host: str,
        container: str,
        image: str,
        labels: Mapping[str, str],
        kernel: Kernel | None,
    ) -> None:
        self.host = host
        self.id = ""
        self.broken = ""
        self._api = api
        self._changed = changed
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._errors = bytearray()
        self._closing = False
        self._kernel = kernel
        with daemon_errors(f"starting the link of {host}"):
            self.id = self._create(container, image, labels)
            self._stream: Stream = api.attach_to(self.id)
            threading.Thread(target=self._listen, daemon=True).start()
            api.start(self.id)

    def _create(self, container: str, image: str, labels: Mapping[str, str]) -> str:
        """Make the container: root of nothing but the two capabilities that a link needs.

        Standard input is closed with our connection (StdinOnce), however that ends; the
        agent then puts the link back to clean, and the daemon removes the container.
        """
        appliance: dict[str, Any] = {}
        if self._kernel is not None:
            appliance["devices"] = ["/dev/net/tun"]
            appliance["binds"] = [f"{self._kernel.path}:{KERNEL_THERE}:ro"]
        config = self._api.create_host_config(
            network_mode=f"container:{container}",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN", "NET_RAW"],
            security_opt=["no-new-privileges"],
            read_only=True,
            # The guest's memory is a file there that it maps executable.
            tmpfs={ROOM: "rw,exec,nosuid,nodev"},
            init=True,
            auto_remove=True,
            **appliance,
        )
        made: dict[str, Any] = self._api.create_container(
            image, stdin_open=True, host_config=config, labels=dict(labels)
        )
        return str(made["Id"])

    def _listen(self) -> None:
        waiting = b""
        for which, piece in self._stream.frames():
            if which != STDOUT:
                self._errors += piece[: 65536 - len(self._errors)]
                continue
            *lines, waiting = (waiting + piece).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        if not self._closing:
            words = self._errors.decode(errors="replace").strip().splitlines()
            self._hear({"broken": words[-1] if words else "its agent ended"})

    def _hear(self, message: dict[str, Any]) -> None:
        with self._changed:
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.broken = self.broken or str(message["broken"])
            self._changed.notify_all()

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Have the agent do something and return its answer.

        Raises CannotRun where the link is broken, does not answer, or could not do it.
        """
        number = next(self._numbers)
        self.check()
        request = json.dumps({"id": number, "do": what, **details})
        try:
            self._stream.send(request.encode() + b"\n")
        except OSError as error:
            raise CannotRun(f"the link of {self.host} is gone: {error}", "run it again") from None
        with self._changed:
            answered = self._changed.wait_for(
                lambda: number in self._answers or self.broken, ANSWER_LIMIT
            )
            answer = self._answers.pop(number, None)
        if answer is None:
            self.check()
            assert not answered
            raise CannotRun(
                f"the link of {self.host} does not answer", f"within {ANSWER_LIMIT:g} s"
            )
        if "failed" in answer:
            raise CannotRun(f"the link of {self.host}: {answer['failed']}", "see ./lab doctor")
        return answer

    def check(self) -> None:
        """Raise CannotRun where the link broke: what is measured then means nothing."""
        if self.broken:
            raise CannotRun(f"the link of {self.host} broke: {self.broken}", "run it again")

    def boot(self) -> None:
        """Boot the appliance and lead the host's packets through it."""
        assert self._kernel is not None
        argv = boot_arguments(
            KERNEL_THERE, APPLIANCE, private=ROOM, has_seccomp=self._kernel.has_seccomp
        )
        environment = boot_environment(APPLIANCE, memory_folder=ROOM)
        self.ask("boot", argv=argv, environment=environment)

    def fetch(self, there: str, size: int, here: Path) -> None:
        """Copy a file of the link container into one of this machine."""
        try:
            with here.open("wb") as file:
                at = 0
                while at < size:
                    packed = base64.b64decode(self.ask("fetch", path=there, offset=at)["piece"])
                    piece = zlib.decompress(packed)
                    if not piece:
                        raise CannotRun(f"{here.name} of {self.host} is cut short", "run it again")
                    at += file.write(piece)
        except OSError as error:
            raise CannotRun(
                f"cannot write {here}: {error.strerror}", "make room, or choose another --out"
            ) from None

    def close(self) -> None:
        """Let go of the agent, which puts the link back to clean and ends."""
        self._closing = True
        self._stream.close()


def has_netem(api: Api, image: str, labels: Mapping[str, str], cache: Path) -> bool:
    """Whether the kernel of the daemon's machine has netem; asked once for each boot of it.

    Strategy: the only sure way to know is to try, which also loads the module where there
    is one. That needs a container, so the answer is kept in `cache`, under a name that
    changes with the machine, its kernel and its boot.
    """
    with daemon_errors("asking what the kernel can do"):
        machine = api.info()
        stamp = f"{machine['ID']} {machine['KernelVersion']} {boot_of(Path('/proc'))}"
        note = cache / f"netem-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
        if note.is_file():
            return note.read_text(encoding="utf-8") == "yes"
        found = _try_netem(api, image, labels)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("yes" if found else "no", encoding="utf-8")
    return found


def boot_of(proc: Path) -> str:
    """What names the present boot of this machine; empty where it has no such name."""
    try:
        return (proc / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _try_netem(api: Api, image: str, labels: Mapping[str, str]) -> bool:
    argv = ["tc", "qdisc", "replace", "dev", "lo", "root", "netem"]
    config = api.create_host_config(
        network_mode="none", cap_drop=["ALL"], cap_add=["NET_ADMIN"], read_only=True
    )
    made = api.create_container(image, argv, host_config=config, labels=dict(labels))["Id"]
    try:
        api.start(made)
        return bool(api.wait(made)["StatusCode"] == 0)
    finally:
        api.remove_container(made, force=True)
