"""The language of what people read: English, or German from a gettext catalogue.

Names of scenarios, options and fields of records stay as they are in every language. Records are
never translated.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from echolab.errors import BadInput

if TYPE_CHECKING:
    import gettext

CATALOGUES = Path(__file__).parent / "locale"

DOMAIN = "echolab"

LANGUAGES = ("en", "de")

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The variables that name a language, the first that is set (gettext(3))."""


class _Chosen:
    language = "en"


def use(language: str) -> None:
    """Use a language from now on. Raises BadInput for a language without a catalogue."""
    if language not in LANGUAGES:
        raise BadInput(f"there is no language '{language}'", f"choose {' or '.join(LANGUAGES)}")
    _Chosen.language = language


def current() -> str:
    """The language in use."""
    return _Chosen.language


def of_environment(environment: Mapping[str, str]) -> str:
    """The language that a user's environment asks for; English if it has no catalogue."""
    wanted = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    named = (one.partition("_")[0].partition(".")[0].lower() for one in wanted.split(":"))
    return next((one for one in named if one in LANGUAGES), "en")


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    import gettext  # slow to import, and only needed for another language

    return gettext.translation(DOMAIN, CATALOGUES, [language], fallback=language == "en")


def translate(message: str) -> str:
    """A message in the language in use; modules import it as `_`."""
    if _Chosen.language == "en" or not message:
        return message
    return _catalogue(_Chosen.language).gettext(message)


def later(message: str) -> str:
    """A message that is translated where it is shown."""
    return message


def decimal(figure: str) -> str:
    """A figure as the language writes it: with its decimal sign."""
    return figure if _Chosen.language == "en" else figure.replace(".", ",")
