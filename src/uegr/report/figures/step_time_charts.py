"""Where the time of a training step goes."""

from __future__ import annotations

from collections.abc import Sequence

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import COLOURS, canvas, legend
from uegr.report.run_groups import Group

PARTS = ("attack", "passes", "forward", "backward", "selection", "optimizer", "data")
"""In the order of a step, each in its own colour in every report; a part that is none of these comes after them."""


def step_time_chart(groups: Sequence[Group]) -> Chart | None:
    """Milliseconds of a step by part, one bar a group; None where no run has measured them."""
    costs = {group: group.first["cost"] for group in groups if "parts" in group.first["cost"]}
    if not costs:
        return None
    names = list(dict.fromkeys([*PARTS, *(name for cost in costs.values() for name in cost["parts"])]))
    names = [name for name in names if any(cost["parts"].get(name, 0) > 0 for cost in costs.values())]
    figure, axes = canvas(1.0 + 0.42 * len(costs))
    marks, rows, told = [], [], []
    for row, (group, cost) in enumerate(costs.items()):
        start = 0.0
        # The step's time is without making the batch; the parts are shares of both together.
        whole = 1000 * cost["step_seconds"] / max(1.0 - cost["parts"].get("data", 0.0), 1e-9)
        times = {name: whole * cost["parts"].get(name, 0.0) for name in names}
        for name, width in times.items():
            axes.barh(row, width, left=start, height=0.62, color=COLOURS[names.index(name) % len(COLOURS)])
            share = 100 * cost["parts"].get(name, 0.0)
            text = f"{group.label}, {name}: {width:.1f} ms a step, {share:.0f} %"
            if width > 0:
                marks.append(Mark(axes, start + width / 2, row, text))
            start += width
        speed, memory = f"{cost['tokens_per_second']:.0f}", f"{cost['peak_memory'] / 2**20:.0f}"
        rows.append([group.label, *(f"{width:.1f}" for width in times.values()), f"{whole:.1f}", speed, memory])
        longest = max(times, key=lambda name: times[name])
        told.append(f"{group.label} {whole:.0f} ms, most of it {longest}; {speed} tokens a second, at most {memory} MB")
    axes.set_yticks(range(len(costs)), [group.label for group in costs])
    axes.set_ylim(len(costs) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("time of a training step (ms)")
    legend(figure, [(name, {"facecolor": COLOURS[at % len(COLOURS)]}) for at, name in enumerate(names)])
    return Chart(
        name="step-time",
        title="Time of a training step by part",
        alt=f"Stacked bars of milliseconds. {'; '.join(told)}.",
        caption=f"{'; '.join(told)}. Medians on one batch of the training data; real tokens only, no padding.",
        figure=figure,
        headings=["run", *(f"{name} (ms)" for name in names), "step (ms)", "tokens a second", "peak memory (MB)"],
        rows=rows,
        marks=marks,
    )
