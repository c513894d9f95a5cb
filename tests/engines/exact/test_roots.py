"""Hosts whose root is an image's, in virtual time."""

from __future__ import annotations

import dataclasses
import itertools
import os
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from echolab.engines.exact import engine
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.record import Record
from echolab.runs import catalogue
from echolab.runs.catalogue import Entry
from echolab.scenario import script
from echolab.settings import Settings
from tests.needs import lacking
from tests.roots.archives import entry, folder, link
from tests.roots.busybox import image

pytestmark = pytest.mark.exact

HEAD = '''"""A lab of images."""
from echolab import Lab, scenario

@scenario(measured=False)
def tells(lab: Lab) -> None:
'''

Run = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def busy(cache: Path) -> Path:
    """An image with a few files of several owners."""
    return image(
        cache / "busy.tar",
        cache,
        [
            folder("data", uid=1234, gid=2345, mode=0o750),
            entry("data/own", b"of the image", uid=1234, gid=2345, mode=0o600),
            entry("secret", b"root's", mode=0o400),
            entry("tool", b"#!/bin/sh\nid -u\n", mode=0o755),
            entry("odd/zeta", b""),
            entry("odd/alpha", b""),
            entry("odd/middle", b""),
            link("var/run", "/run"),
            folder("run"),
        ],
        Entrypoint=["/bin/sh", "-c"],
        Cmd=["echo own command; sleep 9"],
        User="app",
        WorkingDir="/data",
    )


@pytest.fixture(scope="module")
def records(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, busy: Path
) -> Callable[..., Record]:
    """Performs lines of a script on the hosts of a Compose file, whose images are archives."""
    numbers = itertools.count(1)

    def perform(compose: str, lines: str, *, seed: int = 1, **changed: Any) -> Record:
        where = changed.pop("folder", None) or tmp_path_factory.mktemp(f"lab-{next(numbers)}")
        file, path = where / "compose.yaml", where / "lab.py"
        variables = changed.pop("variables", {})
        file.write_text(textwrap.dedent(compose), encoding="utf-8")
        path.write_text(HEAD + textwrap.indent(textwrap.dedent(lines), "    "), encoding="utf-8")
        (marked,) = script.load(path)
        job = catalogue.job(
            Entry(marked, path), catalogue.topology(file, variables), {}, seed, capture=False
        )
        run = tmp_path_factory.mktemp("run")
        usual = Settings.from_environment(os.environ)
        if lack := engine.lack(usual):
            lacking(f"{lack.what}; {lack.remedy}")
        kernel = usual.kernel or next((usual.cache / "kernel").glob("*/linux"), None)
        here = dataclasses.replace(
            usual,
            folder=run,
            cache=cache,
            kernel=kernel,
            compose=file,
            **{"roots": {"busy": str(busy)}, **changed},
        )
        (result,) = engine.run_all([job], here, lambda line: None)
        if isinstance(result, EcholabError):
            raise result
        return result

    return perform


@pytest.fixture(scope="module")
def run(records: Callable[..., Record]) -> Run:
    """What each program wrote whose words are in a mapping, on its host."""

    def told(compose: str, asked: Mapping[str, tuple[str, str]], **changed: Any) -> dict[str, str]:
        lines = "pass\n" + "".join(
            f"print({name!r}, repr(lab.run({host!r}, ['sh', '-c', {words!r}]).stdout), sep='=')\n"
            for name, (host, words) in asked.items()
        )
        printed = records(compose, lines, **changed).printed
        pairs = (line.partition("=")[::2] for line in printed.splitlines())
        return {name: str(eval(text)).strip() for name, text in pairs}

    return told


PAIR = """
services:
  a: {image: busy, x-echolab: idle}
  b: {image: busy, x-echolab: idle, user: "0"}
"""


def test_a_program_has_the_files_the_user_and_the_environment_of_its_image(run: Run) -> None:
    found = run(
        PAIR,
        {
            "id": ("a", "id"),
            "where": ("a", "pwd"),
            "environment": ("a", "env"),
            "own": ("a", "cat own"),
            "secret": ("a", "cat /secret 2>&1"),
            "root": ("b", "cat /secret"),
            "suid": ("a", "stat -c %a:%u /bin/busybox"),
            "owner": ("b", "stat -c %U:%G:%a /data/own"),
            "machine": ("b", "ls /"),
        },
    )
    assert found["id"] == "uid=1234(app) gid=2345(app) groups=3456(extra)"
    assert found["where"] == "/data"
    assert set(found["environment"].splitlines()) - {"SHLVL=1"} == {
        "PATH=/bin",
        "HOSTNAME=a",
        "HOME=/data",
        "PWD=/data",
    }
    assert found["own"] == "of the image"
    assert "Permission denied" in found["secret"] and found["root"] == "root's"
    assert found["suid"] == "4755:0"
    assert found["owner"] == "app:app:600"
    assert found["machine"].split() == sorted(
        ["bin", "data", "dev", "etc", "odd", "proc", "run", "secret", "sys", "tmp", "tool", "var"]
    )


def test_the_file_replaces_what_the_image_says(run: Run) -> None:
    compose = """
    services:
      a:
        image: busy
        x-echolab: idle
        user: "77:88"
        working_dir: /new/place
        environment: {PATH: /bin, EXTRA: "1"}
        group_add: [extra, "99"]
        hostname: www
    """
    found = run(compose, {"id": ("a", "id"), "where": ("a", "pwd"), "env": ("a", "env")})
    assert found["id"] == "uid=77 gid=88 groups=99,3456(extra)"
    assert found["where"] == "/new/place"
    assert "EXTRA=1" in found["env"] and "HOSTNAME=www" in found["env"]


def test_entrypoint_and_command_are_the_images_or_the_files(records: Callable[..., Record]) -> None:
    """An entrypoint of the file takes the image's command away, too (05-services.md)."""
    compose = """
    services:
      own: {image: busy}
      command: {image: busy, command: ["echo $$0; sleep 9", "given"]}
      both: {image: busy, entrypoint: [sh, -c, "echo $$0; sleep 9"], command: [x]}
      entry: {image: busy, entrypoint: [sh, -c, "echo $$0; sleep 9"]}
    """
    lines = """
    import json
    for host in lab.hosts:
        seen = lab.run(host, ["sh", "-c", "id -u"])
        print(host, seen.stdout.strip())
    """
    assert records(compose, lines).printed.split() == (
        ["own", "1234", "command", "1234", "both", "1234", "entry", "1234"]
    )


def test_hosts_of_one_image_write_each_for_itself(run: Run) -> None:
    found = run(
        PAIR,
        {
            "a writes": ("a", "echo a > /data/own; echo a > /tmp/new; cat /data/own"),
            "b sees": ("b", "cat /data/own; ls /tmp"),
            "a sees": ("a", "cat /data/own /tmp/new"),
        },
    )
    assert found == {"a writes": "a", "b sees": "of the image", "a sees": "a\na"}


def test_the_order_and_times_of_files_do_not_depend_on_the_machine(run: Run, cache: Path) -> None:
    compose = "services: {a: {image: busy, x-echolab: idle, user: '0'}}"
    asked = {
        "order": ("a", "busybox find /odd"),
        "numbers": ("a", "busybox find / -xdev -exec stat -c '%n %i %Y %X %Z %s' {} +"),
    }
    first = run(compose, asked)
    for path in (cache / "roots").glob("sha256-*/files"):
        for file in path.rglob("*"):
            os.utime(file, (5, 6), follow_symlinks=False)  # as if read by somebody, or copied
    assert len(first["order"].split()) == 4
    assert run(compose, asked) == first


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(run: Run) -> None:
    asked = {"chance": ("a", "busybox hexdump -C -n 16 /dev/urandom"), "all": ("a", "ls -laR /etc")}
    first = run(PAIR, asked)
    assert run(PAIR, asked) == first
    assert run(PAIR, asked, seed=2)["chance"] != first["chance"]


def test_a_restart_keeps_the_disk_and_the_volumes_and_no_memory(
    records: Callable[..., Record],
) -> None:
    compose = """
    services:
      a:
        image: busy
        x-echolab: idle
        user: "0"
        volumes: ["kept:/kept"]
        tmpfs: [/scratch]
    volumes: {kept: }
    """
    lines = """
    files = "/data/x /kept/x /scratch/x /dev/shm/x /run/x"
    lab.run("a", ["sh", "-c", f"for f in {files}; do echo 1 > $f; done; mkdir -p /scratch/d/e"])
    lab.kill("a")
    lab.restart("a")
    print(lab.run("a", ["sh", "-c", f"ls -d {files} 2>/dev/null; ls /scratch"]).stdout)
    """
    assert records(compose, lines).printed.split() == ["/data/x", "/kept/x", "/run/x"]


def test_a_named_volume_is_shared_and_begins_with_what_the_image_has(run: Run) -> None:
    compose = """
    services:
      a: {image: busy, x-echolab: idle, user: "0", volumes: ["v:/data", "w:/empty"]}
      b: {image: busy, x-echolab: idle, user: "0", volumes: ["v:/other:ro", {type: volume,
          target: /data, source: u, volume: {nocopy: true}}]}
    volumes: {v: , w: , u: }
    """
    found = run(
        compose,
        {
            "begin": ("a", "ls -ln /data | tail -1; stat -c %u:%a /data"),
            "write": ("a", "echo new > /data/new; ls /empty"),
            "read": ("b", "cat /other/new /other/own; ls /data"),
            "sealed": ("b", "echo x 2>&1 > /other/x || echo no"),
        },
    )
    assert found["begin"].split()[2:4] == ["1234", "2345"] and found["begin"].endswith("1234:750")
    assert found["write"] == "" and found["read"] == "new\nof the image"
    assert found["sealed"].endswith("no")


def test_a_bind_is_read_only_unless_the_file_says_otherwise(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/text").write_text("of the machine", encoding="utf-8")
    compose = """
    services:
      a:
        image: busy
        x-echolab: idle
        user: "0"
        volumes:
          ["./in:/plain", "./in:/open:rw", "./in/text:/one", "./none:/none", "./made:/made:rw"]
    """
    found = run(
        compose,
        {
            "plain": ("a", "cat /plain/text; echo x 2>/dev/null > /plain/x || echo no"),
            "open": ("a", "echo y > /open/y; echo z > /made/z; cat /one; ls /none"),
        },
        folder=tmp_path,
    )
    assert found == {"plain": "of the machineno", "open": "of the machine"}
    assert (tmp_path / "in/y").read_text(encoding="utf-8") == "y\n"
    assert (tmp_path / "made/z").exists() and not (tmp_path / "none").exists()
    assert not (tmp_path / "in/x").exists()


@pytest.mark.parametrize("what", ["/etc", "./out", "../up"])
def test_no_bind_leads_out_of_the_files_folder(run: Run, tmp_path: Path, what: str) -> None:
    """Not by a symbolic link either; a folder can be allowed."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "up").mkdir()
    (inner / "out").symlink_to("/usr")
    compose = f"services: {{a: {{image: busy, x-echolab: idle, volumes: ['{what}:/d:ro']}}}}"
    with pytest.raises(BadInput, match=r"services.a.volumes: .* is outside of .*--reach"):
        run(compose, {}, folder=inner)
    assert run(compose, {"x": ("a", "ls / | grep -c d$")}, folder=inner, reach=(Path("/"),))


def test_secrets_and_configurations_are_files_with_their_owners(run: Run, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"top secret")
    (tmp_path / "key").chmod(0o600)
    compose = """
    services:
      a:
        image: busy
        x-echolab: idle
        secrets: [s, {source: t, target: /t, uid: "1234", mode: 0400}]
        configs: [{source: c, target: /etc/app/c}]
    secrets: {s: {file: ./key}, t: {environment: TOKEN}}
    configs: {c: {content: "a: 1"}}
    """
    found = run(
        compose,
        {
            "s": ("a", "cat /run/secrets/s; stat -c ' %a' /run/secrets/s"),
            "t": ("a", "cat /t; stat -c ' %a %u' /t"),
            "c": ("a", "cat /etc/app/c; echo x 2>/dev/null > /etc/app/c || echo ' sealed'"),
        },
        folder=tmp_path,
        variables={"TOKEN": "abc"},
    )
    assert found == {"s": "top secret 444", "t": "abc 400 1234", "c": "a: 1 sealed"}
    with pytest.raises(BadInput, match=r"services.a.secrets: the variable"):
        run(compose, {}, folder=tmp_path)


def test_a_read_only_host_writes_to_its_memory_alone(run: Run) -> None:
    compose = """
    services:
      a: {image: busy, x-echolab: idle, user: "0", read_only: true, shm_size: 2m,
          tmpfs: ["/tmp:size=1m,mode=700"], volumes: ["/anonymous"]}
    """
    found = run(
        compose,
        {
            "root": ("a", "echo x 2>/dev/null > /x || echo no"),
            "tmp": ("a", "echo x > /tmp/x; stat -c %a /tmp; df -k /tmp | tail -1"),
            "shm": ("a", "df -k /dev/shm | tail -1"),
            "anonymous": ("a", "echo x > /anonymous/x; cat /anonymous/x"),
        },
    )
    assert found["root"] == "no" and found["anonymous"] == "x"
    assert found["tmp"].split()[0] == "700" and found["tmp"].split()[2] == "1024"
    assert found["shm"].split()[1] == "2048"


def test_root_has_what_root_has_in_a_container(run: Run) -> None:
    compose = """
    services:
      a: {image: busy, x-echolab: idle, user: "0"}
      b: {image: busy, x-echolab: idle, user: "0", cap_drop: [ALL], cap_add: [CHOWN, NET_ADMIN]}
      c: {image: busy, x-echolab: idle, ulimits: {nofile: {soft: 100, hard: 200}, core: 0}}
      d: {image: busy, x-echolab: idle, security_opt: ["no-new-privileges:true"]}
    """
    effective = "grep CapEff /proc/self/status"
    found = run(
        compose,
        {
            "a": ("a", effective),
            "b": ("b", effective),
            "user": ("c", effective),
            "limit": ("c", "ulimit -n; ulimit -Hn; ulimit -c"),
            "gain": ("c", "grep NoNewPrivs /proc/self/status"),
            "none": ("d", "grep NoNewPrivs /proc/self/status"),
            "mount": ("a", "busybox mount -t tmpfs x /tmp 2>&1"),
        },
    )
    assert found["a"].split()[1] == "00000000a80425fb"  # Docker's, docs of dockerd(8)
    assert int(found["b"].split()[1], 16) == 1 << 0 | 1 << 12
    assert int(found["user"].split()[1], 16) == 0
    assert found["limit"].split() == ["100", "200", "0"]
    assert found["gain"].endswith("0") and found["none"].endswith("1")
    assert "permitted" in found["mount"] or "denied" in found["mount"]


def test_a_program_can_open_its_standard_output_by_name(run: Run) -> None:
    """As servers do that log to /dev/stdout; also one that is not root's."""
    assert run(PAIR, {"x": ("a", "echo by name > /dev/stdout")})["x"] == "by name"


def test_hosts_find_one_another_by_name(run: Run) -> None:
    compose = """
    services:
      server: {image: busy, user: "0", command: ["while true; do nc -l -p 7 -e cat; done"]}
      client: {image: busy, x-echolab: idle}
    """
    found = run(compose, {"x": ("client", "echo hello | nc server 7")})
    assert found["x"] == "hello"


def test_the_labs_own_probe_needs_nothing_of_the_image(records: Callable[..., Record]) -> None:
    compose = """
    services:
      server: {command: [python3, -m, echo_app.server]}
      client: {image: busy, x-echolab: idle}
    """
    lines = """
    probe = lab.probe("client", "server", "tcp", count=3, interval=0.1)
    print(probe.answered)
    """
    assert records(compose, lines).printed.split() == ["3"]


def test_the_record_has_the_digest_of_each_root(records: Callable[..., Record]) -> None:
    compose = "services: {a: {image: busy, x-echolab: idle}, b: {x-echolab: idle}}"
    (used,) = records(compose, "pass").roots
    assert (used.host, used.image) == ("a", "busy") and used.digest.startswith("sha256:")


def test_a_folder_is_a_root_and_is_not_written_to(
    run: Run, cache: Path, busy: Path, tmp_path: Path
) -> None:
    run(PAIR, {"x": ("a", "id")})
    (files,) = (
        path for path in (cache / "roots").glob("sha256-*/files") if (path / "tool").exists()
    )
    compose = "services: {a: {image: other, x-echolab: idle, user: '0', environment: {PATH: /bin}}}"
    found = run(
        compose,
        {"x": ("a", "echo changed > /tool; cat /tool; stat -c %u /tool")},
        roots={"other": str(files)},
    )
    assert found["x"].split() == ["changed", "0"]
    assert (files / "tool").read_text(encoding="utf-8").startswith("#!")


def test_hosts_without_an_image_have_volumes_folders_secrets_and_memory(
    records: Callable[..., Record], tmp_path: Path
) -> None:
    (tmp_path / "given").mkdir(mode=0o755)
    (tmp_path / "given" / "f").write_text("bound")
    (tmp_path / "key").write_text("secret")
    compose = """
    services:
      a:
        x-echolab: idle
        volumes: ["./given:/given:ro", "v:/var/lib/kept"]
        secrets: [s]
        configs: [{source: c, target: /etc/app.conf}]
        tmpfs: [/scratch]
      b: {x-echolab: idle, image: busy, user: "0", volumes: ["v:/v"]}
    volumes: {v: }
    secrets: {s: {file: ./key}}
    configs: {c: {content: "said"}}
    """
    lines = """
    def told(host, words):
        print(lab.run(host, ["sh", "-c", words]).stdout.strip())
    told("a", "cat /given/f /run/secrets/s /etc/app.conf")
    told("a", "touch /var/lib/kept/x /scratch/x /given/x /etc/app.conf 2>/dev/null; ls /scratch")
    told("b", "ls /v")
    lab.kill("a")
    lab.restart("a")
    told("a", "ls /var/lib/kept /scratch; cat /run/secrets/s")
    """
    told = records(compose, lines, folder=tmp_path).printed.split()
    assert told == ["boundsecretsaid", "x", "x", "/scratch:", "/var/lib/kept:", "x", "secret"]
    with pytest.raises(BadInput, match=r"services.a.volumes: nothing can be mounted at /usr/none"):
        unusable = "services: {a: {x-echolab: idle, volumes: ['v:/usr/none']}}\nvolumes: {v: }"
        records(unusable, "pass", roots={})


@pytest.fixture(scope="module")
def tested(cache: Path) -> Path:
    """An image with a check of its own: once a second, whether there is a file."""
    check = {"Test": ["CMD-SHELL", "test -e /tmp/ready"], "Interval": 10**9, "Retries": 9}
    return image(cache / "tested.tar", cache, Cmd=["sleep", "99"], Healthcheck=check)


def healthy_after(run: Run, tested: Path, first: str, change: str = "") -> float:
    """Lab seconds from the start of a host that does `first` until it is healthy."""
    times = run(
        f"""
        services:
          a:
            image: tested
            command: [sh, -c, "cat /proc/uptime >/times/a; {first}; sleep 99"]
            volumes: ["times:/times"]
            {change}
          b:
            image: tested
            command: [sh, -c, "cat /proc/uptime >/times/b; touch /tmp/ready; sleep 99"]
            depends_on: {{a: {{condition: service_healthy}}}}
            volumes: ["times:/times"]
        volumes: {{times: {{}}}}
        """,
        {"times": ("a", "cat /times/a /times/b")},
        roots={"tested": str(tested)},
    )["times"].split()
    return float(times[2]) - float(times[0])


def test_an_images_own_check_of_its_health_holds(run: Run, tested: Path) -> None:
    after = healthy_after(run, tested, "sleep 2.5; touch /tmp/ready")
    assert after == pytest.approx(3, abs=0.3)


def test_the_file_replaces_what_an_image_says_of_its_check(run: Run, tested: Path) -> None:
    seldom = "healthcheck: {interval: 4s}"
    assert healthy_after(run, tested, "touch /tmp/ready", seldom) == pytest.approx(4, abs=0.3)
    other = "healthcheck: {test: [CMD, test, -e, /tmp/go]}"
    assert healthy_after(run, tested, "touch /tmp/go", other) == pytest.approx(1, abs=0.3)


def test_the_file_turns_an_images_check_off(run: Run, tested: Path) -> None:
    with pytest.raises(BadInput, match="a has no health check"):
        healthy_after(run, tested, "touch /tmp/ready", "healthcheck: {disable: true}")


def test_what_an_image_cannot_do_is_refused_in_one_line(
    run: Run, records: Callable[..., Record], cache: Path, tmp_path: Path
) -> None:
    def refused(compose: str, **changed: Any) -> str:
        with pytest.raises((BadInput, CannotRun)) as caught:
            run(compose, {}, **changed)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no user 'ghost'" in refused("services: {a: {image: busy, user: ghost}}")
    assert "no group 'ghost'" in refused("services: {a: {image: busy, user: '0:ghost'}}")
    bare = image(tmp_path / "bare.tar", cache)
    assert "says what runs" in refused("services: {a: {image: b}}", roots={"b": str(bare)})
    gone = refused("services: {a: {image: busy}}", roots={"busy": str(tmp_path / "gone")})
    assert "gone cannot be read" in gone
    other = refused("services: {a: {image: busy}}", roots={"another": str(bare)})
    assert "--root another" in other and "it has busy" in other


def test_an_image_that_cannot_be_had_says_what_would_bring_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    with pytest.raises(CannotRun) as caught:
        run("services: {a: {image: 'nginx:1.27'}}", {}, roots={})
    assert "services.a.image: nginx:1.27 cannot be had: no Docker daemon answers" in str(
        caught.value
    )
    assert "--root nginx:1.27=FOLDER" in caught.value.remedy
