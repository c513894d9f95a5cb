"""A lab that is up, in the words of the command line: its hosts, and links as `delay=50ms`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from echolab import resources
from echolab.compose import hosts, support
from echolab.engines.docker import running, up
from echolab.engines.docker.daemon import connect
from echolab.engines.docker.images import ensure
from echolab.engines.docker.lab_links import LabLinks
from echolab.errors import BadInput
from echolab.language import translate as _
from echolab.link import Link
from echolab.progress import Progress
from echolab.runs import catalogue
from echolab.scenario.parameter import Parameter, read
from echolab.settings import Settings

CLEAR = ("clear", "none")

OPTIONS: Mapping[str, tuple[type, Parameter]] = {
    "delay": (float, Parameter("how long each packet takes", "s", 0)),
    "jitter": (float, Parameter("by how much that varies", "s", 0)),
    "distribution": (str, Parameter("how it varies")),
    "loss": (float, Parameter("share of the packets that are lost", "%", 0, 1)),
    "burst": (float, Parameter("mean length of a run of losses", "", 1)),
    "duplicate": (float, Parameter("share that arrives twice", "%", 0, 1)),
    "reorder": (float, Parameter("share that overtakes others", "%", 0, 1)),
    "corrupt": (float, Parameter("share with a bit flipped", "%", 0, 1)),
    "rate": (float, Parameter("how fast it is", "bit/s", 0)),
    "limit": (int, Parameter("packets that it holds", "", 1)),
    "toward": (str, Parameter("the only host that it leads to")),
}
"""The options of a link, with their units; `network` names one of the host's networks."""


def parse(words: Sequence[str]) -> tuple[Link | None, str | None]:
    """The link that words describe, None for `clear`, and the network that they name.

    Raises BadInput for an unknown word, and as `Link` does.
    """
    pairs = [word.partition("=")[::2] for word in words if word not in CLEAR]
    given = dict(pairs)
    network = given.pop("network", None)
    if len(given) < len(pairs) - (network is not None):
        raise BadInput("link: something is said twice", "say it once")
    for name, text in given.items():
        if name not in OPTIONS or not text:
            raise BadInput(
                f"link: '{name}' is not known", f"write {', '.join(OPTIONS)} or network=VALUE"
            )
    if any(word in CLEAR for word in words):
        if given:
            raise BadInput("link: 'clear' takes no other word but network=NAME", "leave them out")
        return None, network
    if not given:
        raise BadInput("link: what must it do?", "write such as delay=50ms loss=5%, or clear")
    values = {name: read("link", name, text, *OPTIONS[name]) for name, text in given.items()}
    return Link(**values), network  # type: ignore[arg-type]  # each was read as its own type


def words(link: Link) -> str:
    """A link in the words that describe it."""
    said = []
    for name, (_kind, parameter) in OPTIONS.items():
        value = getattr(link, name)
        implied = dataclasses.replace(link, limit=None).packets() if name == "limit" else None
        if value not in (getattr(Link(), name), implied):
            said.append(f"{name}={parameter.shown(value).replace(' ', '')}")
    return " ".join(said).replace("bit/s", "bit") or "clean"


class WordedLinks:
    """The links of a lab that is up, described and given in words."""

    def __init__(self, lab: running.RunningLab, links: LabLinks) -> None:
        self._lab = lab
        self._links = links

    def shape(self, host: str, said: Sequence[str]) -> tuple[str, ...]:
        """Shape what a host sends; return warnings about it. Raises BadInput as `parse` does."""
        self._lab.host(host)
        link, network = parse(said)
        if link is not None and link.toward is not None:
            self._lab.host(link.toward)
        self._links.shape(host, link, network)
        return link.warnings() if link else ()

    def rows(self, only: str | None = None) -> list[tuple[str, str, str]]:
        """A host, a network and what shapes the link there, for every host that runs."""
        names = [only] if only else [host.name for host in self._lab.hosts if host.runs]
        return [
            (name, network, "; ".join(map(words, shaped.get(network, ()))) or _("not shaped"))
            for name in names
            for shaped in (self._links.shaped(name),)
            for network in self._lab.host(name).networks
        ]


def bring_up(
    settings: Settings, environment: Mapping[str, str], say: Progress
) -> tuple[running.RunningLab, tuple[str, ...], str]:
    """Bring the lab of a Compose file up; return the lab, warnings, and the output of ended hosts.

    The hosts of the lecture's own file run their commands; in any other file, idle hosts wait.
    Raises BadInput for a file that the engine refuses, and as `up.up` does.
    """
    found = catalogue.project(settings.compose, environment)
    warnings = (*found.warnings, *support.check(found, "docker"))
    idle = settings.compose.resolve() != resources.COMPOSE.resolve()
    lab, said = up.up(hosts.topology(found, idle=idle), settings, say)
    return lab, warnings, said


def host_rows(lab: running.RunningLab) -> list[tuple[str, str, str]]:
    """Each host of a lab with its state and its addresses."""
    return [
        (host.name, host.state, ", ".join(ip for at in host.networks.values() for ip in at.all()))
        for host in lab.hosts
    ]


def hints(lab: running.RunningLab) -> list[str]:
    """What can be done with a lab that is up, one command per line."""
    first = next((host.name for host in lab.hosts if host.runs), "HOST")
    shell = _("opens a shell there; shell {host} -- COMMAND runs a command")
    told = (
        (f"shell {first}", shell.format(host=first)),
        (f"link {first} delay=50ms loss=5%", _("shapes what it sends; link shows all links")),
        ("down", _("takes the lab down")),
    )
    return [f"  {resources.COMMAND} {words:32} {what}" for words, what in told]


@contextlib.contextmanager
def open_links(settings: Settings, file: Path | None, say: Progress) -> Iterator[WordedLinks]:
    """The links of the only lab that is up, or of a file's lab. Raises BadInput as that does."""
    api = connect()
    lab = running.the_lab(api, file)
    with LabLinks(api, lab, ensure(settings.base_image_file, say), settings, say) as links:
        yield WordedLinks(lab, links)
