"""The guest kernel's configuration: what is wanted, and how its loss is seen."""

from __future__ import annotations

import pytest

from echolab.errors import CannotRun
from echolab.kernel import config
from echolab.kernel.config import Option, Patch

WANTED = (Option("CONFIG_A", "y", "reason"), Option("CONFIG_B", "y", "reason", where_known=True))


def test_each_line_of_the_fragment_has_an_option_and_a_reason() -> None:
    found = config.options(config.FRAGMENT.read_text())
    assert len({option.name for option in found}) == len(found) > 80
    assert all(len(option.reason) > 1 for option in found)


def test_a_line_without_a_reason_is_refused_and_named() -> None:
    with pytest.raises(CannotRun, match="line 2 of"):
        config.options("CONFIG_A=y  # reason\nCONFIG_B=y\n")


def test_an_option_that_the_kernel_dropped_is_found() -> None:
    assert config.dropped(WANTED, "CONFIG_B=y\n") == WANTED[:1]
    assert config.dropped(WANTED, "CONFIG_A=m\nCONFIG_B=y\n") == WANTED[:1]
    assert config.dropped(WANTED, "CONFIG_A=y\nCONFIG_B=y\n") == ()


def test_a_marked_option_may_be_unknown_but_not_turned_off() -> None:
    assert config.dropped(WANTED, "CONFIG_A=y\n") == ()
    assert config.dropped(WANTED, "CONFIG_A=y\n# CONFIG_B is not set\n") == WANTED[1:]


@pytest.mark.parametrize("text", ["nothing here", "old\nold\n"])
def test_a_patch_that_does_not_fit_exactly_once_is_refused(text: str) -> None:
    with pytest.raises(CannotRun, match="our patch does not fit"):
        Patch("file", "old\n", "new\n", "because").apply(text)


def test_a_patch_for_some_kernels_leaves_the_others_as_they_are() -> None:
    patch = Patch("file", "old\n", "new\n", "because", where_known=True)
    assert patch.apply("old\nother\n") == "new\nother\n"
    assert patch.apply("other\n") == "other\n"
    with pytest.raises(CannotRun, match="our patch does not fit"):
        patch.apply("old\nold\n")


def test_the_recipe_changes_with_the_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    before = config.recipe()
    monkeypatch.setattr(config, "PATCHES", ())
    assert config.recipe() != before
