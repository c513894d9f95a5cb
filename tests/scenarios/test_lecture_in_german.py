"""The German lecture gives the figures of the English one, which a run holds."""

from __future__ import annotations

import re

from echolab import resources


def sections(name: str) -> list[list[str]]:
    """Of each section: its quotations, its code and the digits of its figures, sorted."""
    document = (resources.ROOT / "docs" / name).read_text(encoding="utf-8")
    return [
        sorted(re.findall(r"^> .*$|`[^`\n]+`|\d+", section, re.MULTILINE))
        for section in re.split(r"^## ", document, flags=re.MULTILINE)
    ]


def test_each_section_has_the_same_figures_code_and_quotations() -> None:
    english, german = sections("lecture.md"), sections("lecture.de.md")
    assert len(english) == len(german)
    for theirs, ours in zip(english, german, strict=True):
        assert theirs == ours
