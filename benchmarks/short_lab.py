"""A short job of two hosts: one message there and back."""

from echolab import Lab, scenario


@scenario(baseline=False)
def short(lab: Lab) -> None:
    probe = lab.probe("client", "server", "udp", count=1)
    lab.expect_equal("answers", probe.delivered, 1)
