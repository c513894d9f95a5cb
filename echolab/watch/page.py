"""The page of a watched run: its HTML, its style and its modules, all from this package."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import jinja2

from echolab import language
from echolab.runs.plan import PlannedRun

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"

TYPES = {".css": "text/css", ".js": "text/javascript"}
"""What the page is made of, and what a browser calls it."""

WORDS = {
    "play": language.later("Play"),
    "pause": language.later("Pause"),
    "fastest": language.later("as fast as it goes"),
    "a_second": language.later("{time} a second"),
    "sent": language.later("handed over at {time} s"),
    "out": language.later("out at {time} s, {flight} ms later"),
    "under_way": language.later("under way"),
    "died": language.later("died: {reason}"),
    "running": language.later("running"),
    "paused": language.later("paused"),
    "dead": language.later("without power"),
    "ended": language.later("The run has ended: {verdict}."),
    "broke": language.later("The run broke off: {error}"),
    "again": language.later("The run is performed again from its start …"),
    "gone": language.later("The run is over: its command has ended."),
    "programs": language.later("programs"),
    "sockets": language.later("sockets"),
    "not_shaped": language.later("its link is not shaped"),
    "unsent": language.later("{count} unsent"),
    "unread": language.later("{count} unread"),
    "loss_share": language.later("loss in percent"),
    "delay_ms": language.later("delay in milliseconds"),
    "message": language.later("message"),
    "to": language.later("to"),
    "set_loss": language.later("% loss"),
    "set_delay": language.later("ms delay"),
    "send_message": language.later("send"),
    "in_call": language.later("in {call}"),
    "in_call_at": language.later("in {call}, line {line} of {file}"),
    "let_die": language.later("let this packet die"),
    "hold_up": language.later("delay this packet"),
    "drop_packet": language.later("let a packet of {host} die"),
    "delay_packet": language.later("delay a packet of {host} by {amount}"),
    "refused": language.later("That cannot be done: {reason}"),
    "nothing": language.later("Nothing was done yet."),
    "undo": language.later("undo"),
    "what_if_not": language.later("what if not?"),
    "one_again": language.later("this run alone"),
    "beside": language.later(
        "Below, the same run without “{deed}”: {count} packets differ (dots)."
    ),
    "cut": language.later("cut {host} off"),
    "heal": language.later("heal the network"),
    "loss": language.later("{host} loses {amount}"),
    "delay": language.later("delay {host} by {amount}"),
    "kill": language.later("cut the power of {host}"),
    "pause_host": language.later("stop the programs of {host}"),
    "resume": language.later("let {host} go on"),
    "restart": language.later("start {host} anew"),
    "send": language.later("{host} sends “{text}” to {target}"),
}
"""What the page's modules say."""


@functools.cache
def files() -> Mapping[str, tuple[bytes, str]]:
    """The files of the page by their names, each with its type."""
    return {
        path.name: (path.read_bytes(), TYPES[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in TYPES
    }


def draw(planned: PlannedRun, question: str = "") -> str:
    """The page for a run, and the question of its case; what comes from outside is escaped."""
    from echolab.scenario import script

    scenario = script.find(Path(planned.job.script), planned.job.scenario)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    said = {name: language.translate(text) for name, text in WORDS.items()}
    return made.get_template("watch.html.j2").render(
        _=language.translate,
        language=language.current(),
        name=planned.job.scenario,
        sentence=language.translate(scenario.sentence) if scenario.sentence else "",
        question=language.translate(question) if question else "",
        seed=planned.job.seed,
        words=json.dumps({**said, "decimal": language.decimal(".")}).replace("<", "\\u003c"),
    )
