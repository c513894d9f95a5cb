"""Images that a Docker daemon has, as roots in virtual time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect
from echolab.engines.docker.owner import LABEL
from echolab.engines.exact import roots
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings
from echolab.topology import Topology
from tests.needs import lacking
from tests.roots.archives import entry, saved, tar

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    try:
        found = connect()
    except CannotRun as error:
        lacking(error.message)
    yield found
    found.close()


@pytest.fixture
def name(api: Api) -> Iterator[str]:
    """The name of an image that nobody else has."""
    made = f"echolab-test-{secrets.token_hex(4)}"
    yield made
    with contextlib.suppress(Exception):
        api.remove_image(made, force=True)


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings with a cache of their own."""
    compose = tmp_path / "compose.yaml"
    usual = Settings.from_environment(os.environ)
    return dataclasses.replace(usual, cache=tmp_path / "cache", compose=compose)


def load(api: Api, archive: bytes) -> None:
    api.load_image(archive)  # type: ignore[no-untyped-call]  # not in the stubs


def inspect(api: Api, image: str) -> dict[str, Any]:
    found: dict[str, Any] = api.inspect_image(image)  # type: ignore[no-untyped-call]
    return found


def rooted(here: Settings, text: str) -> Topology:
    """The topology of a Compose file, with its roots."""
    here.compose.write_text(text, encoding="utf-8")
    job = Job("test", "", catalogue.topology(here.compose))
    return roots.have(job, here, lambda line: None).topology


def test_an_image_is_exported_once_and_is_the_same_as_in_an_archive(
    api: Api, name: str, here: Settings, tmp_path: Path
) -> None:
    path = saved(tmp_path / "i.tar", [tar([entry("a", b"1")])], tags=[f"{name}:latest"], Cmd=["/a"])
    load(api, path.read_bytes())
    text = f"services: {{a: {{image: {name}}}}}"
    (host,) = rooted(here, text).hosts
    assert host.root is not None and host.command == ("/a",)
    other = dataclasses.replace(here, cache=tmp_path / "other", roots={name: str(path)})
    (again,) = rooted(other, text).hosts
    assert again.root is not None and again.root.digest == host.root.digest
    inode = Path(host.root.files).stat().st_ino
    (third,) = rooted(here, text).hosts
    assert third.root == host.root and Path(host.root.files).stat().st_ino == inode


def test_what_was_exported_before_is_used_without_docker(
    api: Api, name: str, here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "i.tar", [tar([entry("a", b"1")])], tags=[f"{name}:latest"])
    load(api, path.read_bytes())
    text = f"services: {{a: {{image: {name}, command: /a}}}}"
    first = rooted(here, text)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    assert rooted(here, text) == first


def test_a_build_is_dockers_and_carries_our_label(
    api: Api, name: str, here: Settings, tmp_path: Path
) -> None:
    load(
        api,
        saved(tmp_path / "i.tar", [tar([entry("a", b"1")])], tags=[f"{name}:latest"]).read_bytes(),
    )
    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_text("copied", encoding="utf-8")
    (context / "other.Dockerfile").write_text(
        f"FROM {name} AS first\nARG SAID\nLABEL said=$SAID\nCOPY file /b\nFROM first\nCMD [x]\n",
        encoding="utf-8",
    )
    text = """
    services:
      a: {build: {context: ./context, dockerfile: other.Dockerfile, args: {SAID: word},
          target: first}, command: /a}
      b: {build: {context: ./context, dockerfile_inline: "FROM NAME\\nENTRYPOINT [\\"/a\\"]"}}
    """.replace("NAME", name)
    a, b = rooted(here, text).hosts
    assert a.root is not None and b.root is not None and b.command == ("/a",)
    assert (Path(a.root.files) / "b").read_text(encoding="utf-8") == "copied"
    try:
        for host in (a, b):
            assert host.root is not None
            labels = inspect(api, host.root.digest)["Config"]["Labels"]
            assert labels[LABEL] == "image"
    finally:
        for host in (a, b):
            assert host.root is not None
            api.remove_image(host.root.digest, force=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{build: {context: ./none}}", "there is no folder"),
        ("{build: {context: ., dockerfile_inline: 'FROM scratch\\nCOPY gone /'}}", "built"),
    ],
)
def test_a_build_that_fails_is_one_line(
    api: Api, here: Settings, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(EcholabError) as caught:
        rooted(here, f"services: {{a: {text}}}")
    assert isinstance(caught.value, (BadInput, CannotRun))
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "services.a.build" in str(caught.value)


def test_files_of_an_export_are_those_of_the_image(
    api: Api, name: str, here: Settings, tmp_path: Path
) -> None:
    lower, upper = tar([entry("a", b"1"), entry("b", b"2")]), tar([entry(".wh.a"), entry("c")])
    path = saved(tmp_path / "i.tar", [lower, upper], tags=[f"{name}:latest"], Cmd=["x"])
    load(api, path.read_bytes())
    (host,) = rooted(here, f"services: {{a: {{image: {name}}}}}").hosts
    assert host.root is not None
    found = sorted(entry.name for entry in Path(host.root.files).iterdir())
    assert found == ["b", "c"]
