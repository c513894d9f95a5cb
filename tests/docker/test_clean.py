"""`clean` removes everything with our label and nothing else."""

from __future__ import annotations

import io
import secrets

import pytest
from docker.errors import NotFound

from echolab.engines.docker import owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.images import ensure
from echolab.errors import CannotRun
from echolab.settings import Settings


def build(api: Api, base: str, label: str) -> str:
    """An image on top of another, with a label."""
    dockerfile = io.BytesIO(f"FROM {base}\nLABEL {label}=image\n".encode())
    name = f"test-{secrets.token_hex(4)}"
    assert list(api.build(fileobj=dockerfile, tag=name, rm=True, decode=True))
    return name


def test_everything_labelled_goes_and_the_rest_stays(
    here: Settings, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = ensure(here.base_image_file, lambda line: None).link
    label = f"test-{secrets.token_hex(4)}"
    monkeypatch.setattr(owner, "LABEL", label)
    below = build(api, image, label)
    above = build(api, below, label)
    network = api.create_network(f"{label}-net", labels={label: "network"})["Id"]
    volume = api.create_volume(f"{label}-volume", labels={label: "volume"})["Name"]
    ours = api.create_container(above, ["true"], labels={label: "host"})["Id"]
    other = api.create_container(image, ["true"])["Id"]
    try:
        assert owner.clean(api) == 5
        for look, what in (
            (api.inspect_container, ours),
            (api.inspect_network, network),
            (api.inspect_volume, volume),
        ):
            with pytest.raises(NotFound):
                look(what)
        assert [api.image_id(name) for name in (below, above)] == [None, None]
        assert api.inspect_container(other)["Id"] == other
        assert owner.clean(api) == 0
    finally:
        api.remove_container(other, force=True)


def test_what_can_be_removed_goes_although_something_cannot(
    here: Settings, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = ensure(here.base_image_file, lambda line: None).link
    label = f"test-{secrets.token_hex(4)}"
    used, free = (
        api.create_network(f"{label}-{name}", labels={label: "network"})["Id"]
        for name in ("used", "free")
    )
    config = api.create_host_config(network_mode=used)
    user = api.create_container(image, ["sleep", "infinity"], host_config=config)["Id"]
    try:
        api.start(user)
        with pytest.raises(CannotRun, match="active endpoints"):
            owner.remove(api, label)
        with pytest.raises(NotFound):
            api.inspect_network(free)
    finally:
        api.remove_container(user, force=True)
    assert owner.remove(api, label) == 1
