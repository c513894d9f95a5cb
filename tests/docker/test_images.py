"""Images: their tags follow their sources, `.env` keeps what else stands in it."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from echolab import resources
from echolab.engines.docker.attach import Api
from echolab.engines.docker.images import (
    Recipe,
    ensure,
    read_setting,
    recipes,
    stamp,
    write_setting,
)
from echolab.errors import CannotRun
from echolab.settings import Settings

NAMES = some.text(string.ascii_uppercase + "_", min_size=1)
VALUES = some.text(string.ascii_letters + string.digits + ":/.-", min_size=1)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources of the images, to be changed."""
    for name in ("images", "echo_app"):
        shutil.copytree(resources.ROOT / name, tmp_path / name)
    return tmp_path


def test_images_that_are_there_are_not_built_again(here: Settings) -> None:
    ensure(here.base_image_file, lambda line: None)
    said: list[str] = []
    ensure(here.base_image_file, said.append)
    assert said == []


def test_both_images_have_our_label_and_the_ordinary_user(here: Settings, api: Api) -> None:
    made = ensure(here.base_image_file, lambda line: None)
    for name, user in ((made.host, "10007:10007"), (made.link, "")):
        (found,) = api.images(name)
        config = api.inspect_image(found["Id"])["Config"]  # type: ignore[no-untyped-call]
        assert config["Labels"]["echolab"] == "image"
        assert config["User"] == user


def test_compose_by_hand_gets_the_image_that_a_run_uses(here: Settings, api: Api) -> None:
    made = ensure(here.base_image_file, lambda line: None)
    assert api.image_id("echolab-host") == api.image_id(made.host)


@pytest.mark.parametrize("number", [0, 1])
def test_the_tag_changes_with_every_source_and_with_the_base(copy: Path, number: int) -> None:
    recipe: Recipe = recipes(copy)[number]
    seen = {stamp(recipe, "base"), stamp(recipe, "another base")}
    for file in recipe.files():
        with file.open("a", encoding="utf-8") as source:
            source.write("# changed\n")
        seen.add(stamp(recipe, "base"))
    assert len(seen) == 2 + len(recipe.files())


def test_what_an_image_does_not_copy_does_not_change_its_tag(copy: Path) -> None:
    host, _ = recipes(copy)
    before = stamp(host, "base")
    (copy / "echo_app" / "__pycache__").mkdir(exist_ok=True)
    (copy / "echo_app" / "__pycache__" / "server.cpython-313.pyc").write_bytes(b"x")
    (copy / "images" / "link" / "agent.py").write_text("", encoding="utf-8")
    assert stamp(host, "base") == before


@given(kept=some.dictionaries(NAMES, VALUES), value=VALUES)
@settings(max_examples=50)
def test_a_setting_is_read_back_and_the_others_stay(
    tmp_path_factory: pytest.TempPathFactory, kept: dict[str, str], value: str
) -> None:
    kept.pop("BASE_IMAGE", None)
    file = tmp_path_factory.mktemp("settings") / ".env"
    file.write_text("# mine\n" + "".join(f"{name}={text}\n" for name, text in kept.items()))
    write_setting(file, "BASE_IMAGE", "first")
    write_setting(file, "BASE_IMAGE", value)
    assert read_setting(file, "BASE_IMAGE") == value
    assert {name: read_setting(file, name) for name in kept} == kept
    assert file.read_text().startswith("# mine\n")
    assert file.read_text().count("BASE_IMAGE=") == 1


def test_a_setting_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_setting(tmp_path / ".env", "BASE_IMAGE") is None


def test_a_setting_that_cannot_be_written_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CannotRun, match="write the line BASE_IMAGE=base there"):
        write_setting(tmp_path / "file" / ".env", "BASE_IMAGE", "base")
