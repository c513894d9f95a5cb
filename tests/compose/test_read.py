"""Compose files read from disk: variables, files that bring others, merging, replicas."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echolab.compose.hosts import topology
from echolab.compose.read import read
from echolab.compose.tree import plain
from echolab.errors import BadInput
from echolab.resources import ROOT
from tests.compose.files import project, write


def test_the_environment_is_as_compose_reads_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".env": "DOTENV=from dotenv\nBOTH=lost\n",
            "a.env": "FILED=filed\nOVER=lost\nNESTED=$FILED-$DOTENV\nPASSED\n",
            "raw.env": "RAW='$FILED'\n",
        },
    )
    text = """
    services:
      a:
        env_file:
          - a.env
          - {path: raw.env, format: raw}
          - {path: none.env, required: false}
        environment:
          TIME: 12:30:45
          SWITCH: on
          YES: yes
          TRUTH: true
          FLOAT: 1.10
          OCTAL: 0755
          DATE: 2024-01-01
          DOLLAR: "price$$5"
          VALUE: ${DOTENV}-${BOTH}-${NONE:-default}
          OVER: own
          HERE:
          NOWHERE:
      b:
        environment: [LISTED=1, BOTH, "EQUALS=a=b", NOWHERE]
    """
    found = project(tmp_path, text, BOTH="process", HERE="here", PASSED="passed").services
    assert found["a"].environment == {
        "FILED": "filed",
        "OVER": "own",
        "NESTED": "filed-from dotenv",
        "PASSED": "passed",
        "RAW": "'$FILED'",
        "TIME": "12:30:45",
        "SWITCH": "on",
        "YES": "yes",
        "TRUTH": "true",
        "FLOAT": "1.1",
        "OCTAL": "493",
        "DATE": "2024-01-01",
        "DOLLAR": "price$5",
        "VALUE": "from dotenv-process-default",
        "HERE": "here",
        "NOWHERE": None,
    }
    assert found["b"].environment == {
        "LISTED": "1",
        "BOTH": "process",
        "EQUALS": "a=b",
        "NOWHERE": None,
    }


def test_an_env_file_takes_the_place_of_dotenv_and_a_later_one_wins(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=dotenv\n", "1.env": "A=1\nB=1\n", "2.env": "B=${A}2\n"})
    write(tmp_path, {"compose.yaml": "services: {a: {image: 'x:$A-$B-$C'}}"})
    files = [tmp_path / "1.env", tmp_path / "2.env"]
    found = read([tmp_path / "compose.yaml"], {"C": "3"}, env_files=files)
    assert found.services["a"].image == "x:1-12-3"
    assert not found.warnings


def test_a_variable_that_is_not_set_is_a_warning_with_its_line(tmp_path: Path) -> None:
    found = project(tmp_path, "services:\n  a:\n    image: x$UNSET\n    user: ${UNSET-}\n")
    assert [line.rpartition("/")[2] for line in found.warnings] == [
        "compose.yaml:3: the variable UNSET is not set and counts as empty"
    ]


def test_a_command_is_words_a_text_or_the_images_own(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """
        services:
          text: {command: sh -c 'echo "$$0"; exit'}
          words: {command: [a, "b c"], entrypoint: /run it}
          null: {command: , entrypoint: ~, environment: , ports: , networks: , labels: ~}
          none: {command: [], entrypoint: []}
          silent:
        """,
    ).services
    assert found["text"].command == ("sh", "-c", 'echo "$0"; exit')
    assert found["words"].entrypoint == ("/run", "it")
    assert found["words"].command == ("a", "b c")
    assert found["null"].command is None and found["null"].entrypoint is None
    assert found["none"].command == () == found["none"].entrypoint
    assert found["silent"].command is None
    assert [one.network for one in found["silent"].networks] == ["default"]


def test_the_labs_own_image_has_a_command_of_its_own(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """
        services:
          server: {image: echolab-host, deploy: {replicas: 2}}
          other: {image: "echolab-host:latest", command: [sleep, "9"]}
          cleared: {image: echolab-host, entrypoint: []}
          idle: {image: echolab-host, x-echolab: idle}
          bare:
        """,
    )
    runs = {host.name: host.command for host in topology(found).hosts}
    server = ("python3", "-m", "echo_app.server")
    assert runs["server-1"] == runs["server-2"] == server
    assert runs["other"] == ("sleep", "9")
    assert runs["cleared"] == runs["idle"] == runs["bare"] == ()


def test_a_command_that_wants_a_shell_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"yaml:1: services.a.command: .*'&'.*; write a list of"):
        project(tmp_path, "services: {a: {command: cd /tmp && run}}")


@pytest.mark.parametrize(
    ("text", "replicas"),
    [
        ("{}", 1),
        ("{scale: 0}", 0),
        ("{deploy: {replicas: 0}}", 0),
        ("{deploy: {replicas: '${N:-3}'}}", 3),
        ("{scale: '${M}'}", 4),
        ("{deploy: {replicas: 2}, scale: 2}", 2),
        ("{deploy: }", 1),
    ],
)
def test_replicas_are_a_number_none_or_a_variable(tmp_path: Path, text: str, replicas: int) -> None:
    found = project(tmp_path, f"services: {{a: {text}, b: {{}}}}", M="4")
    assert found.services["a"].replicas == replicas
    names = [name for name in topology(found).names() if name.startswith("a")]
    assert names == (["a"] if replicas == 1 else [f"a-{n + 1}" for n in range(replicas)])


def test_profiles_decide_which_services_there_are(tmp_path: Path) -> None:
    text = """services:
      always: {}
      debug: {profiles: [debug, all]}
      other: {profiles: [other], env_file: none.env}
"""
    assert list(project(tmp_path, text).services) == ["always"]
    assert project(tmp_path, text).disabled == ("debug", "other")
    found = project(tmp_path, text, COMPOSE_PROFILES="x, debug")
    assert list(found.services) == ["always", "debug"]
    write(tmp_path, {"none.env": "A=1", ".env": "COMPOSE_PROFILES=*"})
    assert list(project(tmp_path, text).services) == ["always", "debug", "other"]
    assert read([tmp_path / "compose.yaml"], {"COMPOSE_PROFILES": ""}, profiles=["all"]).services
    with pytest.raises(BadInput, match=r"'debug' is in a profile that is not active; set COMPOSE"):
        project(tmp_path, f"{text}      needs: {{depends_on: [debug]}}", COMPOSE_PROFILES="")


def test_a_service_extends_one_of_its_own_file_and_one_of_another(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "sub/base.yaml": """
            services:
              base:
                extends: root
                build: ./context
                env_file: ./base.env
                volumes: ["./data:/data"]
                environment: {A: "1", B: "1"}
              root: {command: [run], labels: {l: "1"}, environment: {C: "1"}}
            """,
            "sub/base.env": "E=1\n",
        },
    )
    found = project(
        tmp_path,
        """
        services:
          web:
            extends: {service: base, file: sub/base.yaml}
            environment: [B=2]
            labels: [m=2]
            command: [serve]
          twin: {extends: web, command: !reset null, volumes: !override ["./own:/own"]}
        """,
    ).services
    web = found["web"]
    assert web.environment == {"E": "1", "A": "1", "B": "2", "C": "1"}
    assert web.labels == {"l": "1", "m": "2"} and web.command == ("serve",)
    assert web.build is not None and web.build.context == str(tmp_path / "sub/context")
    assert web.volumes[0].source == str(tmp_path / "sub/data") and web.volumes[0].kind == "bind"
    assert found["twin"].command is None
    assert [mount.target for mount in found["twin"].volumes] == ["/own"]


def test_included_files_have_their_own_folder_and_variables(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "inc/compose.yaml": """
            services:
              db: {image: "db:$TAG", volumes: ["./data:/data"], networks: [back]}
            networks: {back: }
            include: [deeper.yaml]
            """,
            "inc/.env": "TAG=inner\n",
            "inc/deeper.yaml": "services: {deep: {image: 'deep:$TAG'}}",
            "two/a.yaml": "services: {two: {image: 'a:$OTHER', user: a}}",
            "two/b.yaml": "services: {two: {user: b, volumes: ['./x:/x']}}",
            "other.env": "OTHER=other\nTAG=lost\n",
        },
    )
    found = project(
        tmp_path,
        """
        include:
          - inc/compose.yaml
          - {path: [two/a.yaml, two/b.yaml], project_directory: ., env_file: other.env}
        services:
          web: {image: "web:${TAG-none}", depends_on: [db, deep]}
        """,
    ).services
    assert {name: one.image for name, one in found.items()} == {
        "db": "db:inner",
        "deep": "deep:inner",
        "two": "a:other",
        "web": "web:none",
    }
    assert found["db"].volumes[0].source == str(tmp_path / "inc/data")
    assert found["two"].volumes[0].source == str(tmp_path / "x") and found["two"].user == "b"


def test_later_files_are_laid_over_earlier_ones(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """
        services:
          a:
            image: one
            command: [x, y]
            ports: ["8080:80", "9090:90"]
            volumes: ["./one:/data", "named:/named"]
            environment: [A=1, B=1]
            dns: 1.1.1.1
            cap_add: [NET_ADMIN]
            healthcheck: {test: [CMD, old, old], interval: 5s}
            logging: {driver: one, options: {a: "1"}}
            ulimits: {nofile: 10}
            extra_hosts: ["x:1.1.1.1"]
            networks: [n]
            depends_on: [b]
            user: gone
          b: {}
        networks: {n: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.9}]}}}
        volumes: {named: }
        """,
        """
        services:
          a:
            image: two
            command: z
            ports: ["127.0.0.1:8080:80", "9090:90"]
            volumes: ["./two:/data:ro"]
            environment: {B: "2", C: "2"}
            dns: [1.1.1.1, 2.2.2.2]
            cap_add: [NET_ADMIN, SYS_TIME]
            healthcheck: {test: new}
            logging: {driver: two}
            ulimits: {nofile: {soft: 1, hard: 2}}
            extra_hosts: {y: 2.2.2.2}
            networks: {n: {aliases: [alias]}, m: }
            depends_on: {b: {condition: service_healthy}}
            user: !reset null
        networks: {n: {ipam: {config: [{subnet: 10.1.0.0/24, ip_range: 10.1.0.0/25}]}}, m: }
        ---
        services: {c: {}}
        """,
    )
    a = found.services["a"]
    assert a.image == "two" and a.command == ("z",) and a.user is None
    assert [(port.host_ip, port.published) for port in a.ports] == [
        (None, "8080"),
        (None, "9090"),
        ("127.0.0.1", "8080"),
    ]
    assert [(one.target, one.source, one.read_only) for one in a.volumes] == [
        ("/data", str(tmp_path / "two"), True),
        ("/named", "named", False),
    ]
    assert a.environment == {"A": "1", "B": "2", "C": "2"}
    assert a.dns == ("1.1.1.1", "2.2.2.2") and a.cap_add == ("NET_ADMIN", "SYS_TIME")
    assert a.healthcheck and a.healthcheck.test == ("CMD-SHELL", "new")
    assert a.healthcheck.interval == 5.0
    assert plain(a.raw["logging"]) == {"driver": "two"}
    assert (a.ulimits["nofile"].soft, a.ulimits["nofile"].hard) == (1, 2)
    assert a.extra_hosts == {"x": ("1.1.1.1",), "y": ("2.2.2.2",)}
    assert [(one.network, one.aliases) for one in a.networks] == [("n", ("alias",)), ("m", ())]
    assert a.depends_on[0].condition == "service_healthy"
    (pool,) = found.networks["n"].pools
    assert (pool.gateway, pool.ip_range) == ("10.1.0.9", "10.1.0.0/25")
    assert "c" in found.services


def test_short_and_long_forms_are_one(tmp_path: Path) -> None:
    short = """
    services:
      a:
        build: ./ctx
        ports: ["127.0.0.1:8000-8001:80-81/udp", "[::1]:7:7", 9, "5000-5010:50"]
        volumes: ["./a:/a:ro", "v:/v:nocopy", /anon, "~/h:/h"]
        networks: [n]
        depends_on: [b]
        secrets: [s]
        configs: [c]
        ulimits: {nofile: 5}
        healthcheck: {test: curl x, interval: 1m30s}
        extra_hosts: ["x:1.1.1.1", "y=::1"]
        env_file: a.env
        tmpfs: /t
        devices: ["/dev/a:/dev/b:r"]
        expose: [80]
        sysctls: [net.x=1]
      b: {}
    networks: {n: }
    volumes: {v: }
    secrets: {s: {file: ./s}}
    configs: {c: {content: text}}
    """
    long = """
    services:
      a:
        build: {context: ./ctx}
        ports:
          - {host_ip: 127.0.0.1, target: 80, published: "8000", protocol: udp, mode: ingress}
          - {host_ip: 127.0.0.1, target: 81, published: 8001, protocol: udp}
          - {host_ip: "::1", target: 7, published: "7"}
          - {target: 9}
          - {target: 50, published: "5000-5010"}
        volumes:
          - {type: bind, source: ./a, target: /a, read_only: true, bind: {create_host_path: true}}
          - {type: volume, source: v, target: /v, volume: {nocopy: true}}
          - {type: volume, target: /anon}
          - {type: bind, source: /home/me/h, target: /h, bind: {create_host_path: true}}
        networks: {n: {}}
        depends_on: {b: {condition: service_started}}
        secrets: [{source: s}]
        configs: [{source: c, target: /c}]
        ulimits: {nofile: {soft: 5, hard: 5}}
        healthcheck: {test: [CMD-SHELL, curl x], interval: 90s}
        extra_hosts: {x: [1.1.1.1], y: "::1"}
        env_file: [{path: ./a.env, required: true}]
        tmpfs: [/t]
        devices: [{source: /dev/a, target: /dev/b, permissions: r}]
        expose: ["80"]
        sysctls: {net.x: 1}
      b:
    networks: {n: {}}
    volumes: {v: {}}
    secrets: {s: {file: s}}
    configs: {c: {content: text}}
    """
    write(tmp_path, {"a.env": "A=1"})
    one = project(tmp_path, short, HOME="/home/me").services["a"]
    other = project(tmp_path, long, HOME="/home/me").services["a"]
    fields = [name for name in vars(one) if name not in ("raw", "build")]
    assert {name: getattr(one, name) for name in fields} == {
        name: getattr(other, name) for name in fields
    }
    assert one.build and other.build and one.build.context == other.build.context
    assert one.secrets[0].target == "/run/secrets/s" and one.configs[0].target == "/c"
    assert [(port.target, port.published) for port in one.ports] == [
        (80, "8000"),
        (81, "8001"),
        (7, "7"),
        (9, None),
        (50, "5000-5010"),
    ]


def test_a_networks_options_are_values(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """
        services:
          a:
            networks:
              n: {ipv4_address: 10.9.0.5, ipv6_address: "fd00::5", mac_address: "02:00:00:00:00:01"}
        networks:
          n:
            name: fixed
            internal: true
            enable_ipv6: "true"
            driver_opts: {com.docker.network.driver.mtu: "9000"}
            ipam: {config: [{subnet: 10.9.0.0/24}, {subnet: "fd00::/64"}]}
          old: {external: {name: there}}
        """,
    )
    n = found.networks["n"]
    assert (n.name, n.internal, n.enable_ipv6, n.enable_ipv4, n.mtu) == (
        "fixed",
        True,
        True,
        True,
        9000,
    )
    assert [pool.subnet for pool in n.pools] == ["10.9.0.0/24", "fd00::/64"]
    assert found.networks["old"].external and found.networks["old"].name == "there"
    (attached,) = found.services["a"].networks
    assert attached.ipv4_address == "10.9.0.5" and attached.mac_address == "02:00:00:00:00:01"


def test_each_key_knows_its_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, {"base.yaml": "services:\n  b:\n    image: x\n    user: u\n"})
    found = project(
        tmp_path,
        """\
        services:
          a:
            extends: {service: b, file: base.yaml}
            environment:
              A: "1"
            ports:
              - "80:80"
        """,
    )
    assert str(found.place("services", "a", "image")).endswith("base.yaml:3")
    assert str(found.place("services", "a", "environment", "A")).endswith("compose.yaml:5")
    assert str(found.place("services", "a", "ports", "0")).endswith("compose.yaml:7")
    assert str(found.place("services", "none")).endswith("compose.yaml:2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; write 'services:'"),
        ("services: {a: {networks: [m]}}", "services.a.networks: there is no network 'm'"),
        ("services: {a: {secrets: [s]}}", "services.a.secrets: there is no secret 's'"),
        ("services: {a: {volumes: ['v:/v']}}", "services.a.volumes: there is no volume 'v'"),
        ("services: {a: {depends_on: [b]}}", "services.a.depends_on: there is no service 'b'"),
        ("services: {a: {links: ['b:c']}}", "services.a.links: there is no service 'b'"),
        ("services: {a: {network_mode: 'service:b'}}", "network_mode: there is no service 'b'"),
        ("services: {a: {depends_on: [a]}}", "services.a.depends_on: it waits for itself"),
        (
            "services: {a: {depends_on: [b]}, b: {depends_on: [c]}, c: {depends_on: [b]}}",
            "b, c wait for each other",
        ),
        (
            "services: {a: {network_mode: none, networks: [n]}}\nnetworks: {n: }",
            "services.a.network_mode: a service with 'networks', too",
        ),
        ("services: {a: {extends: b}}", "services.a.extends: there is no service 'b' in"),
        ("services: {a: {extends: {service: b, file: no.yaml}}}", "there is no file"),
        ("services: {a: {extends: a}}", "the service 'a' extends itself"),
        ("services: {a: {extends: b}, b: {extends: a}}", "extends itself"),
        ("include: [no.yaml]\nservices: {}", "include.0: there is no file"),
        ("include: [compose.yaml]", "include.0: "),
        ("services: {a: {env_file: no.env}}", "services.a.env_file.0: there is no file"),
        ("services: {a: {image: '${X:?say it}'}}", "the variable X has no value: say it; set it"),
        ("services: {a: {image: 'a$'}}", "begins no variable; write $$ for a dollar sign"),
        ("services: {a: {scale: 1001}}", "services.a.scale: 1001 is not from 0 to 1000"),
        ("services: {a: {scale: x}}", "services.a.scale: 'x' is not a whole number"),
        ("services: {a: {scale: 2, deploy: {replicas: 3}}}", "'scale' is 2, 'deploy.replicas' 3"),
        ("services: {a: {scale: 2, container_name: nn}}", "2 containers cannot have one name"),
        (
            "services: {a: {container_name: nn}, b: {container_name: nn}}",
            "services.b.container_name: the service 'a' has that name, too",
        ),
        ("services: {a: {ports: ['x:80']}}", "services.a.ports.0: 'x:80' is not a port"),
        ("services: {a: {ports: ['70000:80']}}", "'70000:80' is not a port"),
        ("services: {a: {ports: ['1-2:80-83']}}", "publishes 2 ports of 4"),
        ("services: {a: {volumes: ['a:b:c:d']}}", "'a:b:c:d' is not a mount"),
        ("services: {a: {mem_limit: much}}", "services.a.mem_limit: 'much' is not a size"),
        ("services: {a: {stop_grace_period: '5'}}", "stop_grace_period: '5' is not a duration"),
        ("services: {a: {restart: sometimes}}", "restart: 'sometimes' is not a policy"),
        ("services: {a: {mac_address: x}}", "mac_address: 'x' is not a MAC address"),
        ("services: {a: {init: perhaps}}", "init: 'perhaps' is neither true nor false"),
        ("services: {a: {healthcheck: {test: [curl]}}}", "it begins with none of NONE, CMD"),
        ("services: {a: {x-echolab: busy}}", "x-echolab: 'busy' is not known"),
        (
            "services: {a: {networks: {n: {ipv4_address: '::1'}}}}\nnetworks: {n: }",
            "ipv4_address: '::1' is not an IPv4 address",
        ),
        ("networks: {n: {ipam: {config: [{subnet: x}]}}}", "subnet: 'x' is not a range"),
        ("networks: {n: {driver_opts: {com.docker.network.driver.mtu: x}}}", "'x' is not a whole"),
        ("secrets: {s: {}}", "secrets.s: it says neither 'file'"),
        ("services: {-a: {}}", "services.-a: '-a' is not a host name"),
    ],
)
def test_what_does_not_fit_together_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        project(tmp_path, text)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.remedy


def test_what_is_included_may_not_be_there_otherwise(tmp_path: Path) -> None:
    write(tmp_path, {"inc.yaml": "services:\n  a: {image: x}\n"})
    with pytest.raises(BadInput, match=r"compose.yaml:2: services.a: .*inc.yaml:2 has it, too"):
        project(tmp_path, "services:\n  a: {image: y}\ninclude: [inc.yaml]\n")
    same = project(tmp_path, "services:\n  a: {image: x}\ninclude: [inc.yaml]\n")
    assert same.services["a"].image == "x"


def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"b.yaml": "include: [compose.yaml]"})
    with pytest.raises(BadInput, match="includes itself; take it out"):
        project(tmp_path, "include: [b.yaml]")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read .*none.yaml: No such file.*; check the path"):
        read([tmp_path / "none.yaml"], {})
    with pytest.raises(BadInput, match=r"cannot read .*: Is a directory"):
        read([tmp_path], {})


def test_the_labs_own_file_is_read_in_a_few_milliseconds() -> None:
    """Of processor time, which other work on the machine does not lengthen."""
    read([ROOT / "compose.yaml"], {})
    begun = time.process_time()
    for _ in range(10):
        topology(read([ROOT / "compose.yaml"], {}))
    assert (time.process_time() - begun) / 10 < 0.05


keys = st.sampled_from(
    [
        "image",
        "command",
        "ports",
        "volumes",
        "networks",
        "environment",
        "deploy",
        "scale",
        "healthcheck",
        "ulimits",
        "build",
        "depends_on",
        "extends",
        "env_file",
        "secrets",
        "devices",
        "extra_hosts",
        "labels",
        "restart",
        "mem_limit",
        "test",
        "replicas",
        "context",
        "aliases",
        "target",
        "source",
        "service",
        "file",
        "path",
        "condition",
        "default",
        "a",
        "b",
        "x-y",
    ]
)
texts = st.sampled_from(
    [
        "a",
        "b",
        "./x",
        "80:80",
        "a:/b",
        "1s",
        "64m",
        "$A",
        "${A:-1}",
        "${",
        "default",
        "10.0.0.1",
        "always",
    ]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=14,
)
services = st.dictionaries(st.sampled_from(["a", "b"]), st.dictionaries(keys, values, max_size=4))
documents = st.fixed_dictionaries(
    {"services": services},
    optional=dict.fromkeys(("networks", "volumes", "secrets", "include", "name"), values),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(documents | values)
def test_no_file_makes_the_reader_fail_otherwise_than_by_bad_input(
    tmp_path: Path, document: Any
) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        found = read([path], {"HOME": "/root"})
        topology(found)
    except BadInput as error:
        assert "\n" not in str(error) and error.message
