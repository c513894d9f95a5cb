"""A program of any language talks to itself over a link with jitter."""

from echolab import Lab, Link, scenario

PORT = 7000


@scenario(baseline=False, measured=False)
def talk(lab: Lab, words: str = "") -> None:
    own = words.split()
    lab.shape("client", Link(delay=0.01, jitter=0.005))
    lab.start("server", [*own, "serve"])
    lab.until_listening("server", PORT)
    asked = lab.run("client", [*own, "ask", "server"])
    lab.expect("it talked to its end", asked.status == 0 and asked.stdout != "", seen=asked.stderr)
