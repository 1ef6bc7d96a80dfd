"""Time of a training step, by part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import COLOURS, canvas, legend
from uegr.report.run_groups import Group

PARTS = ("attack", "views", "passes", "forward", "backward", "selection", "optimizer", "data")
"""In the order of a step, with the same colours in every report; further parts come after them."""
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class _StepTime:
    """The measured time of a training step.

    Attributes:
        label: of the bar.
        shares: part -> its share of the time.
        milliseconds: of the whole step, with making the batch.
        tokens_per_second: real tokens only.
        memory: peak memory of the training in MB, or "not measured".
    """

    label: str
    shares: Mapping[str, float]
    milliseconds: float
    tokens_per_second: float
    memory: str

    def of_part(self, name: str) -> float:
        """Milliseconds of a part, 0 of a part that the step does not have."""
        return self.milliseconds * self.shares.get(name, 0.0)

    def sentence(self) -> str:
        """The bar in words."""
        longest = max(self.shares, key=self.of_part)
        at_most = "" if self.memory == NOT_MEASURED else f", at most {self.memory} MB"
        speed = f"{self.tokens_per_second:.0f} tokens per second"
        return f"{self.label} {self.milliseconds:.0f} ms, most of it {longest}; {speed}{at_most}"


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Milliseconds of a step by part, one bar per group that has measured them."""
    steps = [step for group in groups if (step := _step_time(group)) is not None]
    if not steps:
        return []
    colours = _part_colours([step.shares for step in steps])
    figure, axes = canvas(1.0 + 0.42 * len(steps))
    marks = [mark for row, step in enumerate(steps) for mark in _draw_bar(axes, row, step, colours)]
    axes.set_yticks(range(len(steps)), [step.label for step in steps])
    axes.set_ylim(len(steps) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("time of a training step (ms)")
    legend(figure, [(name, {"facecolor": colour}) for name, colour in colours.items()])
    sentences = "; ".join(step.sentence() for step in steps)
    chart = Chart(
        name="step-time",
        title="Time of a training step by part",
        alt=f"Stacked bars of milliseconds. {sentences}.",
        caption=f"{sentences}. Medians on one batch of the training data; real tokens only, no padding.",
        figure=figure,
        headings=["run", *(f"{name} (ms)" for name in colours), "step (ms)", "tokens per second", "peak memory (MB)"],
        rows=[_table_row(step, list(colours)) for step in steps],
        marks=marks,
    )
    return [chart]


def _step_time(group: Group) -> _StepTime | None:
    """The time of a step of a group's first run, or None if it was not measured."""
    cost = group.first.cost
    if not cost.parts or cost.step_seconds is None or cost.tokens_per_second is None:
        return None
    # The measured seconds of a step exclude making the batch; the parts are shares of both together.
    milliseconds = 1000 * cost.step_seconds / max(1.0 - cost.parts.get("data", 0.0), 1e-9)
    memory = NOT_MEASURED if cost.peak_memory is None else f"{cost.peak_memory / 2**20:.0f}"
    return _StepTime(group.label, cost.parts, milliseconds, cost.tokens_per_second, memory)


def _draw_bar(axes: Axes, row: int, step: _StepTime, colours: Mapping[str, str]) -> Iterator[Mark]:
    """Draw a bar of the parts one after the other, and return a mark in the middle of each."""
    start = 0.0
    for name, colour in colours.items():
        width = step.of_part(name)
        axes.barh(row, width, left=start, height=0.62, color=colour)
        if width > 0:
            text = f"{step.label}, {name}: {width:.1f} ms per step, {100 * step.shares[name]:.0f} %"
            yield Mark(axes, start + width / 2, row, text)
        start += width


def _table_row(step: _StepTime, parts: Sequence[str]) -> list[str]:
    times = [*(step.of_part(name) for name in parts), step.milliseconds]
    return [step.label, *(f"{time:.1f}" for time in times), f"{step.tokens_per_second:.0f}", step.memory]


def _part_colours(parts: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """Return the colour of each part that takes time in any run, in the order of `PARTS`, further ones at the end."""
    names = dict.fromkeys([*PARTS, *(name for shares in parts for name in shares)])
    return {
        name: COLOURS[i % len(COLOURS)]
        for i, name in enumerate(names)
        if any(shares.get(name, 0) > 0 for shares in parts)
    }
