"""Settings within the domains of the parameters: no claim fails, nothing crashes.

A few are drawn here, always the same; `python -m benchmarks.settings` draws three hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from benchmarks import settings
from echolab.job import Job
from echolab.record import Record
from echolab.runs import catalogue

PerformAll = Callable[[Sequence[Job]], list[Record]]

EACH = 2
"""How many settings of each scenario."""


@pytest.mark.exact
@pytest.mark.slow
def test_no_setting_within_the_domains_fails(perform_all: PerformAll) -> None:
    jobs = [settings.draw(number, seed=5) for number in range(EACH * len(catalogue.every()))]
    wrong = [
        line
        for job, record in zip(jobs, perform_all(jobs), strict=True)
        for line in settings.complaints(job, record)
    ]
    assert wrong == []


@pytest.mark.parametrize("entry", catalogue.every(), ids=lambda entry: entry.scenario.name)
def test_every_parameter_has_a_meaning_and_a_domain(entry: catalogue.Entry) -> None:
    for name in entry.scenario.parameters:
        meaning = entry.scenario.meaning(name)
        assert meaning.about and meaning.domain, name
