"""The container beside a host that shapes its link, reads its counters, captures packets.

If the machine's kernel has no netem, the container boots the guest kernel that we build
(echolab.kernel), not Debian's package user-mode-linux. The package would save a build of 2.5
minutes, once. But it takes 1.6 s to boot each link, where ours takes 0.2 s; it is older (6.12,
which catches system calls the slower way); it fixes the timer at 100 Hz; and it is one more kernel
to verify: the exact engine, and any machine without Docker, needs ours anyway.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import secrets
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab import resources
from echolab.engines.docker.attach import STDOUT, Api, Stream
from echolab.engines.docker.daemon import daemon_errors
from echolab.errors import CannotRun
from echolab.kernel.arguments import Boot, RealTime, boot_arguments, boot_environment
from echolab.kernel.image import Kernel

KERNEL_THERE = "/opt/echolab/linux"
"""Where the link container finds the guest kernel."""

ROOM = "/tmp"  # noqa: S108 (in the link container, which has nothing else to write to)

GUEST = ("/usr/bin/python3", "-S", "-E", "/opt/echolab/guest.py")
"""The guest's first program: a file of the link image (images/link/guest.py)."""

MEMORY = 96
"""Mebibytes for the guest, enough for a capture too; only what it touches is used."""

ANSWER_LIMIT = 60.0
"""Seconds in which the agent must answer."""

FIRST_OUT = 100
"""The descriptor of the first device's packet socket (images/link/appliance.py)."""

LARGEST_MTU = 65534
"""The most that the appliance's devices accept (arch/um/drivers/vector_kern.c, get_mtu)."""

USUAL_DEPTH, LEAST_DEPTH, QUEUED = 128, 16, 1 << 20
"""Packets that a device of the appliance receives at once: as many as fill `QUEUED` bytes."""


def appliance(devices: Sequence[str], mtus: Sequence[int]) -> Boot:
    """How to boot the appliance of a host with these devices.

    Each device gets a pair: one takes what the host sends from a TAP device, the other writes to a
    packet socket.
    """
    words = []
    for number, mtu in enumerate(mtus):
        depth = max(LEAST_DEPTH, min(USUAL_DEPTH, QUEUED // mtu))
        size = f"depth={depth},mtu={min(mtu, LARGEST_MTU)}"
        words += [
            f"vec{2 * number}:transport=tap,ifname=link{number},{size}",
            f"vec{2 * number + 1}:transport=fd,fd={FIRST_OUT + number},{size}",
        ]
    return Boot(
        init=GUEST,
        memory=MEMORY,
        clock=RealTime(),
        console="fd:0,fd:1",
        # Only the host's own packets may leave the appliance.
        devices=(*words, "ipv6.disable=1"),
        variables={"LINKS": ",".join(devices)},
    )


class LinkContainer:
    """One host's links: `ask` makes its agent (images/link/agent.py) do something.

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
        *,
        detached: bool = False,
        there: str = "",
    ) -> None:
        """Start a link container, or attach to the one that is already `there`.

        A `detached` container goes on when this is closed, until it is removed.
        """
        self.host = host
        self.id = ""
        self.broken = ""
        self.devices: Sequence[str] = ()
        self._mtus: Sequence[int] = ()
        self._api = api
        self._changed = changed
        # Two commands may ask the agent of a detached link at once, and each hears both answers.
        self._numbers = itertools.count(secrets.randbits(48) if detached else 1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._errors = bytearray()
        self._closing = False
        self._kernel = kernel
        self._detached = detached
        with daemon_errors(f"starting the link of {host}"):
            self.id = there or self._create(container, image, labels)
            self._stream: Stream = api.attach_to(self.id)
            threading.Thread(target=self._listen, daemon=True).start()
            if not there:
                api.start(self.id)

    def _create(self, container: str, image: str, labels: Mapping[str, str]) -> str:
        """Create the container: root with only the two capabilities that a link needs.

        Standard input closes with our connection (StdinOnce), however that ends; the agent then
        clears the link, and the daemon removes the container.
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
            # The guest's memory is a file in that folder, mapped executable.
            tmpfs={ROOM: "rw,exec,nosuid,nodev"},
            init=True,
            auto_remove=True,
            **appliance,
        )
        made: dict[str, Any] = self._api.create_container(
            image,
            stdin_open=True,
            detach=self._detached,  # otherwise its input ends with our connection
            host_config=config,
            labels=dict(labels),
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
                with contextlib.suppress(json.JSONDecodeError):  # the end of another's answer
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
        """Make the agent do something and return its answer.

        Raises CannotRun if the link is broken, does not answer, or could not do it.
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
            raise CannotRun(
                f"the link of {self.host}: {answer['failed']}", f"see {resources.COMMAND} doctor"
            )
        return answer

    def check(self) -> None:
        """Raise CannotRun if the link broke: measurements mean nothing after that."""
        if self.broken:
            raise CannotRun(f"the link of {self.host} broke: {self.broken}", "run it again")

    def prepare(self, hardware: Sequence[str]) -> dict[str, Any]:
        """Find the host's devices by their hardware addresses; return the agent's answer."""
        said = self.ask("prepare", hardware=list(hardware))
        self.devices, self._mtus = said["devices"], said["mtus"]
        return said

    @property
    def needs_boot(self) -> bool:
        """Whether an appliance shapes this link; it is booted once."""
        return self._kernel is not None

    def boot(self) -> None:
        """Boot the appliance and lead the host's packets through it."""
        assert self._kernel is not None
        boot = appliance(self.devices, self._mtus)
        argv = boot_arguments(
            KERNEL_THERE, boot, private=ROOM, has_seccomp=self._kernel.has_seccomp
        )
        environment = boot_environment(boot, memory_folder=ROOM)
        self.ask("boot", argv=argv, environment=environment)

    def fetch(self, there: str, size: int, here: Path) -> None:
        """Copy a file of the link container to this machine."""
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
        """Disconnect from the agent, which clears the link and ends."""
        self._closing = True
        self._stream.close()


def has_netem(api: Api, image: str, labels: Mapping[str, str], cache: Path) -> bool:
    """Whether the kernel of the daemon's machine has netem; asked once for each boot of it.

    Strategy: the only sure way to know is to try, which also loads the module if it exists. That
    takes a container, so the answer is kept in `cache`, under a name that
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
    """What identifies the present boot of this machine; empty if nothing does."""
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
