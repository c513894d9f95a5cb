"""Mosquitto, unmodified: quality of service 0 loses messages, 1 doubles some, 2 does neither.

MQTT calls them at most once, at least once, exactly once (MQTT 3.1.1, section 4.3). A short cut
shows no difference, since TCP repeats what it swallowed. A longer one than the keep-alive ends the
connection: then the broker drops what is of quality 0, and sends again what nobody acknowledged,
though it may have arrived; with quality 2 the receiver knows it by its number. Needs Debian's
packages mosquitto and mosquitto-clients.
"""

import pathlib
import select
import subprocess

from echolab import Client, Faults, Lab, Link, Parameter, Workload, scenario

PORT = 1883
KEEPALIVE = 5  # the least that the clients take
PATIENCE = 60.0  # seconds for a message, longer than any cut and its repair
PRINTED = "/tmp/printed"
WORDS = ("-h", "broker", "-t", "lab", "-k", str(KEEPALIVE), "-c")


def publish(client: Client, qos: int, number: int) -> None:
    """Have mosquitto_pub publish a number: what it sends with quality 0, nobody acknowledges."""

    def ask() -> None:
        words = ("mosquitto_pub", *WORDS, "-i", "publisher", "-q", str(qos), "-m", str(number))
        try:
            ended = subprocess.run(words, timeout=PATIENCE, capture_output=True)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        if ended.returncode:
            raise ConnectionError

    client.do("enqueue", ask, number)


def receive(client: Client) -> None:
    """Take what mosquitto_sub prints, until nothing more can come."""
    with pathlib.Path(PRINTED).open("rb", buffering=0) as printed:
        while select.select((printed,), (), (), 1.5 * PATIENCE)[0]:
            client.do("dequeue", lambda: int(printed.readline()))
    client.do("dequeue", lambda: None)


def work(client: Client, qos: int, messages: int) -> None:
    """Be the subscriber, or the publisher."""
    if client.process == "1":
        receive(client)
        return
    for number in range(messages):
        publish(client, qos, number)
        client.sleep(client.random.uniform(0.0, 0.2))


def count(lab: Lab, seen: Workload) -> None:
    """Note how many messages were sent, arrived, were lost, and arrived again."""
    sent = {
        one.argument for one in seen.operations if one.function == "enqueue" and one.outcome == "ok"
    }
    arrived = [one.result for one in seen.operations if one.result is not None]
    figures = {
        "sent": len(sent),
        "arrived": len(arrived),
        "lost": len(sent.difference(arrived)),
        "again": len(arrived) - len(set(arrived)),
    }
    lab.note("messages", ", ".join(f"{what}: {n}" for what, n in figures.items()), figures)


@scenario(
    compose="mosquitto.yaml",
    engines=("exact",),
    baseline=False,
    measured=False,
    faults=Faults(partition=1, slow=1, lose=1, duplicate=1, within=2, longest=15),
    parameters={
        "qos": Parameter("quality of service", high=2),
        "messages": Parameter("messages", low=50, high=200),
    },
)
def mosquitto(lab: Lab, qos: int = 2, messages: int = 200) -> None:
    lab.shape("subscriber", Link(delay=0.25))  # as far as a satellite
    lab.shape("broker", Link(delay=0.25, toward="subscriber"))
    config = f"listener {PORT}\\nallow_anonymous true\\nset_tcp_nodelay true\\n"
    command = f"printf '{config}' > /tmp/lab.conf && exec mosquitto -c /tmp/lab.conf"
    lab.start("broker", ["sh", "-c", command])
    lab.until_listening("broker", PORT)
    words = " ".join(("exec mosquitto_sub", *WORDS, "-i subscriber -q", str(qos)))
    lab.start("subscriber", ["sh", "-c", f"mkfifo {PRINTED} && {words} 1<> {PRINTED}"])
    lab.sleep(3.0)  # the subscription takes three round trips
    seen = lab.workload(
        work,
        hosts=("subscriber", "publisher"),
        clients=2,
        operations=1,
        timeout=5 * PATIENCE,
        name="messages",
        arguments={"qos": qos, "messages": messages},
    )
    count(lab, seen)
    lab.expect_history("every message arrives", seen, "nothing lost", model="queue")
    lab.expect_history("no message arrives twice", seen, "at most once", model="queue")
