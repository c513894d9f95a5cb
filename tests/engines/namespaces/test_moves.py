"""The settings of a host's network, and what is said of those that it does not have."""

from __future__ import annotations

import os

import pytest

from echolab.engines.namespaces import moves
from echolab.errors import BadInput


def test_a_setting_that_the_kernel_lacks_is_not_taken_for_one_that_is_not_the_hosts() -> None:
    procfs = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(BadInput, match=r"net\.no_such_thing cannot .* has no such setting"):
            moves.set_sysctl("net/no_such_thing", "1", procfs)
    finally:
        os.close(procfs)
