"""The remedy fits the cause: the daemon's log is named for what is the daemon's fault alone."""

from __future__ import annotations

import pytest

from echolab.engines.docker.reasons import reason, remedy
from echolab.engines.programs import ended_at_once

SAID = {
    'Conflict. The container name "/lab" is already in use by container "1f".': "container_name",
    "driver failed programming external connectivity: Bind for 0.0.0.0:7 failed: port is already "
    "allocated": "publish another one",
    "could not find an available, non-overlapping IPv4 address pool among the defaults": "prune",
    "all predefined address pools have been fully subnetted": "docker network prune",
    'exec: "no-such-thing": executable file not found in $PATH: unknown': "'command'",
    "pull access denied for lab-tools, repository does not exist": "pull or build",
    "invalid pool request: Pool overlaps with other one on this address space": "'subnet'",
    "invalid mount config for type \"bind\": bind source path does not exist: /x": "'volumes'",
    "starting server: Address already in use": "'ipv4_address'",
    "listen tcp4 0.0.0.0:80: bind: address already in use": "publish",
    "failed to bind host port for 0.0.0.0:80:10.1.0.2:7/tcp: address already in use": "publish",
    "starting web: unable to start container process: error during container init: open "
    "/proc/sys/net/ipv4/no_such: no such file or directory: unknown": "'sysctls'",
    'error gathering device information while adding custom device "/dev/x": no such file or '
    "directory": "that device",
    "unable to find user nobody-here: no matching entries in passwd file": "a user",
    "build path /x/nowhere either does not exist, or is not a valid URL.": "folder",
    "Service 'server' failed to build : Build failed": "Dockerfile",
    'failed to solve: process "sh" did not complete successfully: exit code: 127': "fix the",
    'Pulling web (shop:1)...: Get "https://shop.test/v2/": dial tcp: no such host': "docker load",
    'Get "https://shop.test/v2/": dial tcp 192.0.2.1:443: connection refused': "docker load",
    'Creating network "a" with driver "weave": plugin "weave" not found': "'driver'",
    'Creating network "a" with driver "macvlan": operation not supported': "'driver'",
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
    "running?": "docker info",
    "Minimum memory limit allowed is 6MB": "fix it",
    "network lab-net declared as external, but could not be found": "fix it",
    "UnixHTTPConnectionPool: Read timed out.": "docker info",
    "write /var/lib/docker/x: no space left on device": "make room",
    "containerd: context canceled": "journalctl",
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_the_remedy_fits_what_docker_or_compose_said(said: str) -> None:
    assert SAID[said] in remedy(said)


WORDS = {
    "what docker-compose does is said with what went wrong there": (
        ['Creating network "a" with the default driver', "Creating lab_x_1 ...",
         'Creating network "b" with the default driver', "Pool overlaps with other one"],
        'Creating network "b" with the default driver: Pool overlaps with other one',
    ),
    "what docker compose does is left out": (
        ["Network a  Creating", "Network a  Error",
         "failed to create network a: Error response from daemon: all predefined address pools"],
        "failed to create network a: Error response from daemon: all predefined address pools",
    ),
    "advice on other tools is left out": (
        ["Building server", "DEPRECATED: The legacy builder is deprecated.", "COPY failed: no file",
         "Service 'server' failed to build : Build failed"],
        "Building server: COPY failed: no file Service 'server' failed to build : Build failed",
    ),
    "all there is, where nothing says what is wrong": (["Pulling web", "Creating x"],
        "Pulling web Creating x"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDS)
def test_the_reason_is_what_compose_says_that_is_wrong(case: str) -> None:
    lines, told = WORDS[case]
    assert reason(lines) == told


def test_the_last_words_of_a_service_are_one_line() -> None:
    error = ended_at_once("server", 3, "one\n two \n\nthree\nfour\n", "lab.yaml")
    assert str(error) == (
        "server ended at once with status 3: two / three / four; "
        "fix its command, or give it 'x-echolab: idle' in lab.yaml"
    )
    assert "status 0, without a word;" in str(ended_at_once("a", 0, "\n", "lab.yaml"))
