"""What to do about a refusal of the Docker daemon or of Compose: the remedy fits the cause."""

from __future__ import annotations

import re
from collections.abc import Sequence

from echolab import resources

REGISTRY = (
    "let this machine reach the registry, load the image (docker load -i FILE), or name another "
    "one in the Compose file"
)
IMAGE = "pull or build that image first, or name another one in the Compose file"
POOLS = f"too many Docker networks: {resources.COMMAND} clean, docker network prune"
PROGRAM = "name a program that the image has: 'command' or 'entrypoint' of the Compose file"
FILE = "fix it in the Compose file"
LOG = "see what the Docker daemon logged: journalctl -u docker"

RULES: tuple[tuple[str, str], ...] = (
    (
        r"no space left on device",
        "make room on the disk of the Docker daemon: docker system prune",
    ),
    (
        r"error pulling|pulling .*(no such host|dial tcp|timeout|eof|x509|tls|toomanyrequests)"
        r"|https?://\S+/v2/|failed to (resolve|do request|fetch)|toomanyrequests"
        r"|registry-1\.docker\.io",
        REGISTRY,
    ),
    (
        r"cannot connect to the docker daemon|couldn't connect to docker daemon"
        r"|is the docker daemon running|connection refused|connection aborted|read timed out",
        "see whether the Docker daemon still runs: docker info",
    ),
    (
        r"port is already allocated|(bind|port)\b.*address already in use",
        "end what uses that port, or publish another one",
    ),
    (
        r"address already in use",
        "another host, or the network's gateway, has that address: give another one in the Compose "
        "file ('ipv4_address', 'ipv6_address')",
    ),
    (r"could not find an available|address pool|predefined.*subnetted", POOLS),
    (
        r"overlaps with",
        "another network has that subnet: see docker network ls and ip route, remove it, or choose "
        "another 'subnet' in the Compose file",
    ),
    (
        r"container name.*already in use",
        "remove that container, or leave 'container_name' out of the Compose file",
    ),
    (
        r"plugin \S+ not found|with driver .*operation not supported|could not find plugin",
        "this machine lacks that network's driver: leave 'driver' out of the Compose file",
    ),
    (
        r"/proc/sys|sysctl",
        "this kernel's hosts lack that setting: fix 'sysctls' of the Compose file",
    ),
    (
        r"custom device|device driver|gathering device",
        "this machine lacks that device: leave it out of the Compose file",
    ),
    (
        r"unable to find (user|group)|no matching entries in (passwd|group)",
        "name a user and a group that the image has, or their numbers, in the Compose file",
    ),
    (
        r"mount source path|bind source path|error mounting|mounting \S+ to rootfs",
        "fix it in the Compose file: 'volumes' must name what this machine and the image have",
    ),
    (
        r"failed to build|returned a non-zero code|did not complete successfully|failed to solve"
        r"|dockerfile",
        "fix the Dockerfile, or 'build' of the Compose file",
    ),
    (
        r"build path|unable to prepare context|build context",
        "fix 'build' of the Compose file: its folder must be there",
    ),
    (r"exec:? .*permission denied|executable file not found|no such file or directory", PROGRAM),
    (
        r"pull access denied|manifest unknown|no such image|image not found|no matching manifest"
        r"|manifest for \S+ not found",
        IMAGE,
    ),
    (
        r"unknown or invalid runtime|unknown runtime",
        "install that runtime, or leave 'runtime' out of the Compose file",
    ),
    (
        r"invalid|must be|not supported|unsupported|no such network|could not be found|not found"
        r"|depends on|undefined|out of range|permission denied|minimum memory limit|conflicting"
        r"|no configured subnet|not in .*subnet|does not contain",
        FILE,
    ),
)
"""What is said in a refusal, as a pattern, and what helps; the first that is found counts."""

DOING = re.compile(r"^(Creating (network|volume)|Pulling|Building) ")
"""How Compose 1 says what it begins; the reason why that fails comes without a name of anything."""

PROGRESS = re.compile(
    r"^(Creating|Recreating|Removing|Starting|Stopping|Attaching|Step \d+/\d+|--->|DEPRECATED:"
    r"|Sending build context|Install the buildx|https://docs\.docker\.com/go/buildx"
    r"|time=\S+ level=warning|WARN\[\d+\])"
    r"|^((Network|Container|Volume|Image) )?\S+ +(Creating|Created|Pulling|Starting|Error)\b"
)
"""Other lines of Compose, of either generation, that say what it does, not what is wrong."""

LONGEST = 400
"""Characters of a reason; what is left out is its beginning."""


def remedy(said: str) -> str:
    """What to do about a refusal of the daemon or of Compose."""
    for pattern, step in RULES:
        if re.search(pattern, said.strip(), re.IGNORECASE):
            return step
    return LOG


def reason(lines: Sequence[str]) -> str:
    """What Compose says that is wrong, and with what, of all the lines that it printed."""
    doing, found = "", list[str]()
    for line in lines:
        if DOING.match(line):
            doing, found = f"{line}: ", []
        elif not PROGRESS.match(line):
            found.append(line)
    text = " ".join(found[-6:]) or " ".join(lines[-6:])
    wrong = next((line for line in reversed(found) if "error" in line.lower()), text)
    return (doing + wrong[-LONGEST:]) if found else wrong[-LONGEST:]
