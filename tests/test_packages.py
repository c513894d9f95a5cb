"""What a first run lacks of the machine's packages: named, and installed where one may."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from echolab import packages
from echolab.cli import settings
from echolab.errors import CannotRun


def test_a_tool_that_is_not_there_is_missing_by_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = dataclasses.replace(settings(), cache=tmp_path)
    before = packages.missing(here)
    monkeypatch.setattr(packages, "USED", {**packages.USED, "no-such-tool": "no-such-package"})
    assert set(packages.missing(here)) - set(before) == {"no-such-package"}


@pytest.mark.skipif(not packages.may_install(), reason="only root may install packages")
def test_a_package_that_cannot_be_had_is_one_line_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "USED", {"no-such-tool": "no-such-package"})
    said: list[str] = []
    with pytest.raises(CannotRun, match="no-such-package") as caught:
        packages.ensure(settings(), said.append)
    assert "\n" not in str(caught.value) and "apt-get install" in caught.value.remedy
    assert len(said) == 1 and "no-such-package" in said[0]


def test_where_the_user_may_not_install_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "USED", {"no-such-tool": "no-such-package"})
    monkeypatch.setattr(packages, "may_install", lambda: False)
    said: list[str] = []
    packages.ensure(settings(), said.append)
    assert said == []
