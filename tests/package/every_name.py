"""A scenario that uses every public name and every method of what it is handed."""

from __future__ import annotations

from collections.abc import Sequence

from echolab import (
    Address,
    AsyncLab,
    BadInput,
    CannotRun,
    Capture,
    Claim,
    Client,
    Conclusion,
    EcholabError,
    Exchange,
    Fate,
    Fault,
    Faults,
    Interface,
    Lab,
    Latency,
    Life,
    Link,
    Network,
    Note,
    OpenLab,
    Operation,
    PacketStory,
    Parameter,
    PendingProbe,
    PlannedFault,
    Probe,
    Program,
    ProgramRun,
    Record,
    Report,
    RunningProgram,
    Traits,
    Workload,
    __version__,
    open,
    scenario,
)


@scenario
def places(lab: Lab) -> None:
    """What a lab says of itself; time passes."""
    lab.step(f"with echolab {__version__}")
    hosts: tuple[str, ...] = lab.hosts
    kernel: tuple[int, int] = lab.kernel
    address: Address = lab.address(hosts[0])
    lab.note("a place", f"{hosts[0]} is at {address.ip}", {"mac": address.mac})
    note: Note = lab.notes[-1]
    lab.expect_equal("a note", note.value, {"mac": address.mac})
    claim: Claim = lab.claims[-1]
    lab.expect("a claim of a figure", claim.kind == "holds", seen=claim.text)
    lab.expect("an address", address.ip != address.mac, seen=[address.ip, address.ip6], why="IPv4")
    lab.expect("a kernel", kernel > (4, 0), seen=kernel)
    lab.expect("a choice", lab.random.random() < 1.0, seen=(lab.engine, lab.seed))
    before: float = lab.now()
    lab.sleep(0.5)
    within = 0.001 if lab.virtual else lab.precision + 0.1
    lab.expect_time("half a second", lab.now() - before, 0.5, within=within, why="it slept")
    try:
        lab.address("nowhere")
    except BadInput as error:
        said: EcholabError = error
        lab.expect("an unknown host is told", "nowhere" in said.message, seen=said.remedy)


@scenario(
    sentence="keine Garantie",
    expect="some are lost",
    name="probed",
    engines=("exact", "docker", "namespaces"),
    parameters={
        "loss": Parameter("chance that a datagram dies", "%", 0, 1),
        "count": Parameter("datagrams", low=1),
    },
    baseline=True,
    measured=True,
)
def traffic(lab: Lab, loss: float = 0.2, count: int = 50) -> None:
    """Links and probes."""
    share = Parameter("a share", "%", 0, 1)
    lab.expect_equal("it is shown", share.shown(loss), f"{loss:.0%}".replace("%", " %"))
    lab.expect("it is in its domain", share.holds(loss), seen=share.domain)
    link = Link(delay=0.01, loss=loss, toward="server", limit=2000)
    words: tuple[str, ...] = link.netem()
    warned: tuple[str, ...] = link.warnings()
    lab.expect_equal("a link's queue", link.packets(), 2000, why=" ".join((*words, *warned)))
    lab.measure_baseline()
    lab.shape("client", link, Link())
    pending: PendingProbe = lab.start_probe(
        *("client", "server", "udp"), count=count, interval=0.01, size=100, timeout=0.5, linger=0.5
    )
    probe: Probe = pending.wait()
    lab.expect_rate("lost", probe.lost, probe.count, theory=loss, why="independent")
    trials: tuple[int, int, float] = lab.claims[-1].trials
    exchange: Exchange = probe.exchanges[0]
    fate: Fate = exchange.fate
    lab.expect("it has a fate", fate in ("delivered", "late", "lost"), seen=exchange.latency)
    latency: Latency | None = probe.latency
    lab.expect("in milliseconds", latency is not None and latency.milliseconds()["min"] >= 10)
    lab.expect_range("runs of losses", float(len(probe.runs_of_losses())), low=0, unit="runs")
    lab.expect("a figure", lab.claims[-1].figure is not None, seen=trials)
    lab.expect_equal("answered", probe.answered, probe.delivered + probe.late)
    lab.expect_range("a median", probe.median, low=0.01, theory=0.01, why="one way", unit="s")
    lab.clear("client")
    clean = lab.probe("client", "server", "tcp", count=10, interval=0.0, port=7)
    lab.expect_equal("none is lost without a link", clean.lost, 0)
    lab.expect_equal("sent again", lab.counter("client", "Tcp.RetransSegs"), clean.retransmits)
    lab.expect_all("messages of the stream arrived", clean.answered, 10)
    lab.expect_none(
        "message of the stream came twice", clean.duplicated, unless=count < 2 and "few"
    )
    lab.conclude(True if probe.lost else None, f"{probe.lost} were lost", only="on this link")
    conclusion: Conclusion | None = lab.conclusion
    lab.expect("it is kept", conclusion is not None and conclusion.only != "")


@scenario()
def programs(lab: Lab, port: int = 4000) -> None:
    """Programs, run, started, fed, stopped."""
    run: ProgramRun = lab.run("client", ["cat"], input=b"text", environment={"A": "b"}, timeout=9)
    lab.expect_equal("what cat says", run.stdout, "text")
    cat: RunningProgram = lab.start("client", ["cat"], keep_input=True, trace=False)
    cat.send(b"more")
    stopped: ProgramRun = cat.stop()
    lab.expect("it was ended", stopped.status != 0, seen=stopped.status)
    listener = lab.python("server", "every_name_listener.py", port)
    lab.until_listening("server", port, "tcp")
    client = lab.start("client", ["python3", "-m", "echo_app.stream_client", "server"])
    lab.expect_equal("the client's end", client.wait(timeout=60).status, 0)
    lab.run("client", ["python3", "-c", CONNECT, str(port)])
    lab.expect_equal("facts", listener.facts(timeout=60), {"heard": "hello"})
    try:
        lab.until_listening("client", port)
    except CannotRun as error:
        lab.expect("that nothing listens is told", str(port) in str(error))
    underneath(lab.network)
    lab.stop_all()


@scenario
def faults(lab: Lab) -> None:
    """Hosts that fail, a network in parts."""
    lab.pause("server")
    lab.resume("server")
    lab.kill("server")
    lab.restart("server")
    lab.partition(("client",), ("server",))
    lab.heal()
    fault: Fault = lab.faults[4]
    lab.expect_equal("its parts", fault.groups, (("client",), ("server",)))
    kinds: list[str] = [one.kind for one in lab.faults]
    seen = (fault.at > 0, fault.hosts, kinds)
    lab.expect("each fault is noted", len(kinds) == 6, seen=seen)
    try:
        lab.expect("a look inside", lab.host("server").file("/etc/hosts").exists)
    except BadInput as error:
        lab.note("no testinfra here", error.message)
    lives: Sequence[Life] = lab.lives
    lab.expect_equal("services that ended by themselves", [one.kind for one in lives], [])


def operation(client: Client) -> None:
    """One operation of a client."""
    name = f"client {client.process} of {client.timeout:g} s"
    word = f"{client.random.random()} {name}"
    client.do("read", lambda: client.line("server", 7, word) == word)
    client.do("write", lambda: client.datagram("server", 4000, {"word": word}), 1, key="a")
    client.do("write", lambda: client.text("server", 4000, word, within=0.1), 1, key="a")
    client.do("write", lambda: client.http("server", 7, "/", "body", method="PUT"), 2, key="a")
    client.do("read", lambda: client.redis("server", 6379, "GET", word), key="b")
    client.do("write", lambda: client.refuse("not now"), 3, key="b")
    client.sleep(0.01)


@scenario(faults=Faults(pause=1, hosts=("server",), within=0.5, longest=0.5), files=())
def workloads(lab: Lab) -> None:
    """Clients that work side by side while a host fails."""
    lab.serve("client", "every_name_listener.py", 4001)
    lab.at_restart("client", lambda: lab.note("the client is up again"))
    before: tuple[PlannedFault, ...] = lab.schedule
    by_hand = PlannedFault("slow", ("server",), at=0.0, lasts=0.3, amount=0.05)
    told = (by_hand.ends, str(by_hand), by_hand.on(Link()).delay, len(before))
    found: Workload = lab.workload(
        *(operation,), hosts="client", clients=2, operations=3, interval=0.1, timeout=0.5,
        name="echoes", faults=(by_hand,), arguments={}, paced=True, apart=("server",),
    )  # fmt: skip
    first: Operation = found.operations[0]
    lab.expect_equal("each is noted", len(found.operations), 36, why=str(told))
    lab.expect("it is kept", lab.histories == [found], seen=[found.name, first.outcome])
    lab.expect_history("reads", found, "monotonic reads", model="cas-register", unless="no writes")
    most = Faults(kill=1, partition=2).most()
    schedule = Faults(kill=1).draw(lab.random, Faults(hosts=("s*",)).befallen(lab.hosts))
    lab.expect("of each kind", most == {"partition": 2, "kill": 1}, seen=len(schedule))


CONNECT = """
import socket, sys
with socket.create_connection(("server", int(sys.argv[1]))) as mine:
    mine.sendall(b"hello")
"""


def underneath(network: Network) -> None:
    """What a script finds that plays a host's part itself."""
    program: Program = network.start("client", ["true"])
    traits: Traits = network.traits
    ended: ProgramRun = program.wait(5.0)
    assert ended.status == 0 and network.read("client", "/proc/net/tcp")
    way: Interface = network.interfaces["client"][0]
    assert way.address == network.addresses["client"]
    assert way.address.ip in way.address.all()
    network.sleep(0.1 if traits.virtual else 0.0)
    assert network.now() > 0
    assert network.epoch() > 10**9
    network.tc("client", ["qdisc", "show", "dev", "eth0"])


def never(network: Network, program: Program) -> Sequence[Capture]:
    """What the lab itself calls at the end of a run."""
    program.send(b"")
    program.stop()
    network.watch(lambda host: None, lambda host: None)
    assert not network.gone
    captures = network.captures()
    network.close()
    return captures


def opened() -> Record:
    """What a program does that opens a lab of its own."""
    with open("exact", compose="compose.yaml", seed=7, folders=["."], name="mine") as lab:
        mine: OpenLab = lab
        lab.probe("client", "server")
    story: PacketStory = mine.story(at=0.5)
    report: Report = mine.report()
    page = report.save(mine.out / "page.html")
    assert story.text() and page.exists()
    mine.close()
    assert mine.ended
    return mine.record()


async def awaited(lab: OpenLab) -> ProgramRun:
    """The same in a program with a loop."""
    mine = AsyncLab(lab)
    program: RunningProgram = await mine.start("client", ["sleep", "9"])
    await mine.shape("client", Link(delay=0.01))
    probe: Probe = await mine.wait(await mine.start_probe("client", "server"))
    assert probe.count
    return await mine.stop(program)
