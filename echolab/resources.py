"""Where the files are that are not modules: Compose file, scenarios, exercises, images.

In a checkout they are at the top, where people look for them. A wheel carries them below
`echolab/data`, under the same names (`tool.hatch.build` in pyproject.toml). Nothing is ever written
there: an installed package may be read-only and belong to another user.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder of the package `echolab`."""

_DATA = PACKAGE / "data"

INSTALLED = _DATA.is_dir()
"""Whether this is an installed echolab, not a checkout."""

ROOT = _DATA if INSTALLED else PACKAGE.parent
"""The folder that holds `compose.yaml`, `scenarios`, `exercises`, `images` and `echo_app`."""

COMMAND = "echolab" if INSTALLED else "./lab"
"""What people type to start this echolab."""

COMPOSE = ROOT / "compose.yaml"
SCENARIOS = ROOT / "scenarios"
EXERCISES = ROOT / "exercises"
ECHO_APP = ROOT / "echo_app"

REFERENCES = ROOT / "references" if INSTALLED else ROOT / "tests" / "exercises"
"""The folder of the exercises' known solutions."""
