"""What the Compose command itself makes of files, where one is here: its `config`.

Version 1 knows less than the specification; it is asked about what it knows.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from echolab.compose import write
from echolab.compose.project import Project
from echolab.compose.read import read
from tests.compose import files
from tests.needs import lacking

VARIABLES = {"SET": "value", "EMPTY": "", "N": "3"}


@functools.cache
def compose() -> tuple[str, ...]:
    """How Compose is called here; empty for not at all."""
    for argv in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(argv[0]):
            done = subprocess.run([*argv, "version"], capture_output=True, timeout=60, check=False)
            if done.returncode == 0:
                return argv
    return ()


def config(folder: Path, given: Sequence[Path], text: str = "") -> subprocess.CompletedProcess[str]:
    """Compose's `config` of files, or of a text."""
    if not compose():
        lacking("Compose is not installed; apt-get install docker-compose")
    words = [word for file in given for word in ("--file", str(file))]
    return subprocess.run(
        [*compose(), *(words or ["--file", "-", "--project-directory", str(folder)]), "config"],
        cwd=folder,
        input=text,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **VARIABLES},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def meaning(project: Project) -> dict[str, Any]:
    """A project without what `config` may rightly write otherwise."""
    services = {}
    for name, service in project.services.items():
        fields = {
            key: value for key, value in vars(service).items() if key not in ("raw", "profiles")
        }
        if service.build:
            fields["build"] = service.build.context
        # Compose writes nothing about a mount that may be written to.
        volumes = service.volumes
        fields["volumes"] = [dataclasses.replace(one, writable=False) for one in volumes]
        for key in ("ports", "networks", "volumes", "depends_on"):
            fields[key] = sorted(fields[key], key=repr)
        services[name] = fields
    networks = {
        key: (one.internal, one.external, one.enable_ipv6, one.mtu, one.pools, one.driver)
        for key, one in project.networks.items()
        if any(
            at.network == key for service in project.services.values() for at in service.networks
        )
    }
    return {"services": services, "networks": networks}


TEXTS = {
    "variables": """
        version: "3.9"
        services:
          a:
            image: "x:${UNSET:-1}${EMPTY:-2}${EMPTY-3}${SET:?gone}$SET"
            command: sh -c 'echo "$$0" $$HOME'
            environment: ["LISTED=1", "SET", "UNSET", "EQ=a=b", "D=$$5"]
            deploy: {replicas: "${N:-1}"}
        """,
    "forms": """
        version: "3.9"
        services:
          a:
            image: x
            entrypoint: /bin/run "two words"
            command: [a, "b c"]
            ports: ["127.0.0.1:8000-8001:80-81/udp", 9, "7:7"]
            volumes: ["./a:/a:ro", "vol:/v", "/anon"]
            networks: {n: {aliases: [z], ipv4_address: 10.9.0.5}}
            depends_on: [b]
            healthcheck: {test: curl x, interval: 90s, retries: 2}
            ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}
            extra_hosts: ["x:1.1.1.1"]
            stop_grace_period: 1m30s
            dns: 1.1.1.1
            tmpfs: /t
            sysctls: {net.ipv4.ip_forward: 1}
            cap_add: [NET_ADMIN]
            expose: [80]
            labels: [l=1]
          b: {image: "y", scale: 2, user: "7:7", init: true, restart: always}
        networks: {n: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}}
        volumes: {vol: }
        """,
    "anchors": """
        version: "3.9"
        x-base: &base
          image: x
          environment: &env {A: "1", B: "1"}
        services:
          a:
            <<: *base
            environment: {<<: *env, B: "2"}
          b: {<<: *base, build: ./ctx}
        """,
    "extends": """
        version: "3.9"
        services:
          a:
            extends: {service: base, file: other.yaml}
            environment: {B: "2"}
            command: [own]
        """,
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_what_compose_prints_of_a_file_means_what_the_file_means(tmp_path: Path, name: str) -> None:
    files.write(
        tmp_path,
        {
            "compose.yaml": TEXTS[name],
            "ctx/Dockerfile": "FROM scratch",
            "other.yaml": """
            version: "3.9"
            services:
              base: {image: x, command: [base], environment: {A: "1", B: "1"}, dns: [1.1.1.1]}
            """,
        },
    )
    ours = read([tmp_path / "compose.yaml"], VARIABLES)
    done = config(tmp_path, [tmp_path / "compose.yaml"])
    assert done.returncode == 0, done.stderr
    (tmp_path / "printed.yaml").write_text(done.stdout, encoding="utf-8")
    assert meaning(read([tmp_path / "printed.yaml"], VARIABLES)) == meaning(ours)


def test_files_laid_over_one_another_mean_what_compose_makes_of_them(tmp_path: Path) -> None:
    files.write(
        tmp_path,
        {
            "1.yaml": """
            version: "3.9"
            services:
              a:
                image: one
                command: [x]
                environment: [A=1, B=1]
                volumes: ["./one:/data"]
                ports: ["8080:80"]
                labels: {l: "1"}
            """,
            "2.yaml": """
            version: "3.9"
            services:
              a:
                image: two
                command: y z
                environment: {B: "2"}
                volumes: ["./two:/data:ro"]
                ports: ["9090:90"]
                labels: [m=2]
              b: {image: x}
            """,
        },
    )
    given = [tmp_path / "1.yaml", tmp_path / "2.yaml"]
    done = config(tmp_path, given)
    assert done.returncode == 0, done.stderr
    (tmp_path / "printed.yaml").write_text(done.stdout, encoding="utf-8")
    printed = read([tmp_path / "printed.yaml"], VARIABLES)
    assert meaning(printed) == meaning(read(given, VARIABLES))


def test_compose_accepts_the_whole_project_as_one_file_that_means_the_same(tmp_path: Path) -> None:
    """Also where the files have what this version of Compose does not know."""
    files.write(
        tmp_path,
        {
            "inc/compose.yaml": dedent(TEXTS["forms"]),
            "a.env": "FILED='$x'\n",
            "ctx/Dockerfile": "FROM scratch",
        },
    )
    project = files.project(
        tmp_path,
        """
        include: [inc/compose.yaml]
        services:
          web:
            build: ctx
            env_file: [{path: a.env, required: true}]
            depends_on: {a: {condition: service_started, required: true}}
            ports: !reset []
            secrets: [s]
            devices: ["/dev/null"]
            volumes: ["./x:/x"]
            x-echolab: idle
          off: {image: "off", profiles: [off]}
        secrets: {s: {file: ./s}, unused: {file: ./u}}
        x-more: 1
        """,
        **VARIABLES,
    )
    written = write.document(project)
    done = config(tmp_path, [], json.dumps({"version": "3.9", **written}))
    assert done.returncode == 0, done.stderr
    (tmp_path / "printed.yaml").write_text(done.stdout, encoding="utf-8")
    printed = meaning(read([tmp_path / "printed.yaml"], VARIABLES))
    wanted = meaning(project)
    for service in wanted["services"].values():
        service["replicas"], service["idle"] = 1, False
    for name, service in wanted["services"].items():
        assert printed["services"][name] == service
    assert printed == wanted
    assert "off" not in written["services"] and list(written["secrets"]) == ["s"]
