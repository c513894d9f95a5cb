"""Which keys of a Compose file each engine honours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from echolab import resources
from echolab.compose import declared, schema, support
from echolab.compose.declared import HONOURED, REFUSED, TABLE, WARNED
from echolab.compose.project import Project
from echolab.compose.read import read
from echolab.compose.support import findings
from echolab.errors import BadInput
from tests.compose.files import project, write


def inner(node: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The keys that the schema allows below a node, with the schemas of their values.

    A name that the user chooses is `*`; a list is as its items.
    """
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from inner(schema.load()["$defs"][name], (*seen, name))
        return
    for part in ("allOf", "oneOf", "anyOf"):
        for one in node.get(part, ()):
            yield from inner(one, seen)
    if isinstance(node.get("items"), dict):
        yield from inner(node["items"], seen)
    yield from node.get("properties", {}).items()
    for pattern, one in node.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield "*", one


def keys(node: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Every key of the specification, as the table writes it."""
    for name, one in inner(node):
        key = f"{above}{name}"
        yield key
        if key.count(".") < 7:
            yield from keys(one, f"{key}.")


KEYS = sorted({key for key in keys(schema.load()) if not key.startswith("jobs.")})


def test_the_specification_has_the_keys_that_everybody_knows() -> None:
    assert {
        "services.*.image",
        "services.*.deploy.resources.limits.cpus",
        "services.*.networks.*.aliases",
        "services.*.build.args",
        "networks.*.ipam.config.subnet",
        "include.project_directory",
    } <= set(KEYS)
    assert len(KEYS) > 350


@pytest.mark.parametrize("key", KEYS)
def test_no_key_of_the_specification_is_passed_over_in_silence(key: str) -> None:
    """It has a row, or is below one that is meant for all below it, or below what is not honoured.

    Of a honoured row that is not meant so, every key below has a row of its own.
    """
    found = declared.row(key)
    assert found is not None
    if key not in TABLE and not key.endswith(".*"):
        assert found.whole or HONOURED not in (found.docker, found.namespaces)
    for part in (found.docker, found.namespaces):
        assert part is HONOURED or found.why


def test_the_table_has_no_key_that_the_specification_lacks() -> None:
    assert set(TABLE) - set(KEYS) == set()


@pytest.mark.parametrize("engine", declared.ENGINES)
def test_the_labs_own_files_are_honoured_without_a_word(engine: str) -> None:
    files = [resources.COMPOSE, *sorted((resources.ROOT / "exercises").glob("*/compose.yaml"))]
    assert len(files) > 1
    for file in files:
        assert findings(read([file], {}), engine) == (), file


def said(found: Project, engine: str) -> dict[str, declared.Support]:
    """What an engine does with the keys of a project that it does not honour."""
    return {
        ".".join(one.at.path): REFUSED if one.refused else WARNED for one in findings(found, engine)
    }


def test_exact_refuses_what_would_be_another_network_or_program(tmp_path: Path) -> None:
    write(tmp_path, {"s": "secret"})
    found = project(
        tmp_path,
        """
        services:
          web:
            image: nginx
            hostname: www
            volumes: ["./d:/d"]
            secrets: [s]
            cap_add: [NET_ADMIN, SYS_ADMIN]
            sysctls: {net.ipv4.ip_forward: 1}
            networks: {n: {aliases: [shop]}}
            extra_hosts: ["x:1.1.1.1"]
            ports: ["80:80"]
            restart: always
            mem_limit: 64m
            x-anything: {goes: 1}
            environment: {A: "1"}
            user: "7"
          helper: {profiles: [off], image: other}
        networks:
          n: {driver: macvlan, ipam: {driver: own, config: [{subnet: 10.1.0.0/24}]}, internal: true}
          unused: {driver: overlay}
        secrets: {s: {file: s}}
        """,
    )
    both = {
        "services.web.cap_add": REFUSED,
        "services.web.ports": WARNED,
        "services.web.mem_limit": WARNED,
        "networks.n.driver": REFUSED,
        "networks.n.ipam.driver": REFUSED,
    }
    files = dict.fromkeys(("services.web.image", "services.web.secrets"), REFUSED)
    assert said(found, "namespaces") == {**both, **files, "services.web.volumes": REFUSED}
    assert said(found, "exact") == {**both, "services.web.volumes": WARNED}
    assert said(found, "docker") == {}


FILES = {
    "configs": "[{source: c}]",
    "secrets": "[s]",
    "tmpfs": "[/scratch]",
    "volumes": "[{type: volume, source: v, target: /d}, {type: tmpfs, target: /t}, './a:/a:ro']",
}
"""What a host in `exact` has, with an image or without."""


@pytest.mark.parametrize("key", sorted(FILES))
@pytest.mark.parametrize("image", ["nginx", "echolab-host"])
def test_exact_gives_hosts_what_the_file_gives_them(tmp_path: Path, key: str, image: str) -> None:
    write(tmp_path, {"s": "secret"})
    more = "volumes: {v: }\nsecrets: {s: {file: s}}\nconfigs: {c: {content: x}}\n"
    found = project(tmp_path, f"services: {{a: {{image: {image}, {key}: {FILES[key]}}}}}\n{more}")
    assert said(found, "exact") == {}
    assert said(found, "namespaces")[f"services.a.{key}"] is REFUSED


IMAGE_ALONE = {
    "cap_add": "[CHOWN, NET_ADMIN]",
    "security_opt": "[seccomp:unconfined]",
}
"""What a host in `exact` has if it has an image, and not otherwise."""


@pytest.mark.parametrize("key", sorted(IMAGE_ALONE))
def test_exact_gives_hosts_with_an_image_what_others_cannot_have(tmp_path: Path, key: str) -> None:
    for image, refused in (("nginx", False), ("echolab-host", True)):
        text = f"services: {{a: {{image: {image}, {key}: {IMAGE_ALONE[key]}}}}}\n"
        expected = {f"services.a.{key}": REFUSED} if refused else {}
        assert said(project(tmp_path, text), "exact") == expected


NOT_EVEN_THEN = {
    "volumes": "[{type: image, source: x, target: /d}]",
    "volumes ": "['external:/d']",
    "volumes  ": "['elsewhere:/d']",
    "secrets": "[external]",
    "cap_add": "[SYS_ADMIN]",
    "security_opt": "[apparmor:own]",
    "ulimits": "{none: 1}",
    "build": "{context: ., ssh: [default]}",
    "privileged": "true",
    "devices": "[/dev/kvm]",
}


@pytest.mark.parametrize("key", sorted(NOT_EVEN_THEN))
def test_exact_refuses_what_no_host_in_it_has(tmp_path: Path, key: str) -> None:
    text = f"""
    services: {{a: {{image: nginx, {key.strip()}: {NOT_EVEN_THEN[key]}}}}}
    volumes: {{external: {{external: true}}, elsewhere: {{driver_opts: {{type: nfs}}}}}}
    secrets: {{external: {{external: true}}}}
    """
    assert said(project(tmp_path, text), "exact") == {f"services.a.{key.strip()}": REFUSED}


def test_a_bind_that_compose_would_make_writable_is_warned_about(tmp_path: Path) -> None:
    text = "services: {a: {image: x, volumes: ['./a:/a:ro', './b:/b:rw', './c:/c']}}"
    (line,) = support.check(project(tmp_path, text), "exact")
    assert "services.a.volumes" in line and "read-only" in line and "/c; write ':rw'" in line


def test_values_that_say_what_is_so_anyway_say_nothing(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """
        services:
          a:
            image: echolab-host:latest
            hostname: a
            privileged: false
            tty: false
            restart: "no"
            cap_add: []
            cap_drop: [ALL]
            security_opt: ["no-new-privileges:true"]
            tmpfs: /tmp
            links: [b]
            networks: [default]
            platform: linux/amd64
            deploy: {mode: replicated, replicas: 2}
            healthcheck: {disable: true}
          b: {}
        networks: {default: {driver: bridge, driver_opts: {}, enable_ipv4: true}}
        """,
    )
    assert said(found, "exact") == {}


@pytest.mark.parametrize("engine", declared.ENGINES)
def test_every_engine_refuses_the_machines_own_network(tmp_path: Path, engine: str) -> None:
    text = """
    services:
      a: {network_mode: host}
      b: {networks: [one, two]}
      c: {depends_on: {d: {condition: service_completed_successfully}}}
      d: {network_mode: none}
      e: {network_mode: "service:d"}
    networks: {one: , two: }
    """
    found = said(project(tmp_path, text), engine)
    assert {key for key, support in found.items() if support is REFUSED} == {
        "services.a.network_mode",
    }


def test_a_refusal_is_one_line_with_file_service_key_and_what_would_honour_it(
    tmp_path: Path,
) -> None:
    found = project(
        tmp_path,
        "services:\n  web:\n    ports: ['80:80']\n    volumes: ['./d:/d']\n    tty: true\n",
    )
    with pytest.raises(BadInput) as caught:
        support.check(found, "namespaces")
    assert str(caught.value) == (
        f"{tmp_path}/compose.yaml:4: services.web.volumes: the engine namespaces does not honour "
        "it: hosts have no files of their own, and 1 more; --engine docker does"
    )


def test_warnings_are_lines(tmp_path: Path) -> None:
    found = project(tmp_path, "services:\n  web:\n    ports: ['80:80']\n")
    assert support.check(found, "exact") == (
        f"{tmp_path}/compose.yaml:3: services.web.ports: the engine exact does not honour it: "
        "hosts cannot be reached from this machine; --engine docker does",
    )


def test_docker_is_not_given_what_some_versions_of_compose_do_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"inc.yaml": "services: {a: {}}"})
    found = project(tmp_path, "include: [inc.yaml]")
    assert said(found, "exact") == {}
    (one,) = findings(found, "docker")
    assert one.refused and one.remedy == "--engine exact does"
