"""A lab's results as a notebook shows them: a probe, the packet story, the report.

`report` is imported only when something is drawn: it takes half the time of opening a lab.
"""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path

from echolab.record import Probe, Record
from echolab.runs import folders

HEIGHTS = {"probe": 430, "story": 560, "report": 720}
"""Height in pixels of the frame in which a notebook shows each."""


def frame(content: str, height: int) -> str:
    """A page in a frame of its own, so that its style sheet and the notebook's do not mix."""
    return (
        f'<iframe srcdoc="{html.escape(content, quote=True)}" width="100%" height="{height}" '
        'style="border:0" loading="lazy"></iframe>'
    )


def _page(body: str) -> str:
    """A page with the report's style sheet."""
    from echolab.report import page

    style = (page.STATIC / "report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<style>{style}</style><main>{body}</main></html>"
    )


@dataclasses.dataclass(frozen=True)
class ShownProbe(Probe):
    """What a probe measured, as any `Probe`; a notebook draws its latencies and its messages."""

    @classmethod
    def of(cls, probe: Probe) -> ShownProbe:
        """The same probe as one that draws itself."""
        fields = {one.name: getattr(probe, one.name) for one in dataclasses.fields(Probe)}
        return cls(**fields)

    def _repr_html_(self) -> str:
        from echolab.report import messages, plots, strip

        series = messages.of_probe(self)
        drawn = [plots.distribution([series]), plots.over_time(series, [series])]
        figures = "".join(drawn) if series.latencies else ""
        told = html.escape(f"{self.host} to {self.target}, {plots.summary(series)}")
        return frame(_page(f"<p>{told}</p>{figures}{strip.draw(series)}"), HEIGHTS["probe"])


class PacketStory:
    """The packets of a lab that has ended: as text a line for each event, in a notebook a ladder.

    Its first stretch begins at lab second `at`, if given; otherwise it is the most telling one.
    """

    def __init__(self, record: Record, folder: Path, at: float | None = None) -> None:
        from echolab.report import story

        self._story = story.load(record, folder)
        found = story.chosen(record, self._story, at)
        # Without a choice the first exchange would come first, which is seldom the one wanted.
        self._excerpts = found if at is not None else (*found[1:], *found[:1])

    def text(self) -> str:
        """The first stretch, a line for each event."""
        from echolab.report import labels

        told = list(labels.lines(self._excerpts[0], self._story)) if self._excerpts else []
        return "\n".join([*(told or ["No packet was captured."]), *self._story.notes]) + "\n"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from echolab.report import ladder

        if not self._excerpts:
            return f"<pre>{html.escape(self.text())}</pre>"
        first = self._excerpts[0]
        caption = html.escape(ladder.caption(first))
        body = f"<p>{caption}</p><figure>{ladder.draw(first, self._story)}</figure>"
        return frame(_page(body), HEIGHTS["story"])


class Report:
    """The report on a lab that has ended: one page, `html`, that needs no network."""

    def __init__(self, record: Record, folder: Path) -> None:
        from echolab.report import page

        self.html = page.draw([(record, folder)])

    def save(self, path: Path | str) -> Path:
        """Write the page and return where. Raises CannotRun if it cannot be written."""
        to = Path(path)
        folders.write(to, self.html)
        return to

    def _repr_html_(self) -> str:
        return frame(self.html, HEIGHTS["report"])
