"""The public names are there in whatever order things are imported, and only when needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from echolab.resources import ROOT


@pytest.mark.parametrize(
    "script",
    [
        "from echolab import scenario; assert scenario.__qualname__ == 'scenario'",
        "import echolab.scenario.lab; from echolab import scenario; scenario()",
        "from echolab import scenario; import echolab.scenario.lab; echolab.scenario()",
        "from echolab import Lab, scenario; scenario()",
        "from echolab import *; scenario(); Link(), Lab, Probe, __version__",
        "import echolab; assert [getattr(echolab, name) for name in echolab.__all__]",
        "import echolab; assert not hasattr(echolab, 'nothing')",
        "import echolab, sys; assert 'echolab.link' not in sys.modules",
    ],
)
def test_public_names_are_found(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
