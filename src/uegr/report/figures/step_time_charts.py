"""Time of a training step, by part."""

from collections.abc import Mapping, Sequence

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import COLOURS, canvas, legend
from uegr.report.run_groups import Group

PARTS = ("attack", "views", "passes", "forward", "backward", "selection", "optimizer", "data")
"""In the order of a step, with the same colours in every report; further parts come after them."""


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Milliseconds of a step by part, one bar per group that has measured them."""
    costs = [
        (group, cost.peak_memory, cost.step_seconds, cost.tokens_per_second, cost.parts)
        for group in groups
        if (cost := group.first.cost).parts and cost.step_seconds is not None and cost.tokens_per_second is not None
    ]
    if not costs:
        return []
    colours = _part_colours([parts for *_, parts in costs])
    figure, axes = canvas(1.0 + 0.42 * len(costs))
    marks, rows, sentences = [], [], []
    for row, (group, peak_memory, seconds, tokens_per_second, parts) in enumerate(costs):
        # The time of a step excludes making the batch; the parts are shares of both together.
        whole = 1000 * seconds / max(1.0 - parts.get("data", 0.0), 1e-9)
        times = {name: whole * parts.get(name, 0.0) for name in colours}
        start = 0.0
        for name, width in times.items():
            axes.barh(row, width, left=start, height=0.62, color=colours[name])
            if width > 0:
                text = f"{group.label}, {name}: {width:.1f} ms per step, {100 * parts[name]:.0f} %"
                marks.append(Mark(axes, start + width / 2, row, text))
            start += width
        speed = f"{tokens_per_second:.0f}"
        memory = "not measured" if peak_memory is None else f"{peak_memory / 2**20:.0f}"
        rows.append([group.label, *(f"{width:.1f}" for width in times.values()), f"{whole:.1f}", speed, memory])
        longest = max(times, key=lambda name: times[name])
        at_most = "" if peak_memory is None else f", at most {memory} MB"
        sentences.append(f"{group.label} {whole:.0f} ms, most of it {longest}; {speed} tokens per second{at_most}")
    axes.set_yticks(range(len(costs)), [group.label for group, *_ in costs])
    axes.set_ylim(len(costs) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("time of a training step (ms)")
    legend(figure, [(name, {"facecolor": colour}) for name, colour in colours.items()])
    chart = Chart(
        name="step-time",
        title="Time of a training step by part",
        alt=f"Stacked bars of milliseconds. {'; '.join(sentences)}.",
        caption=f"{'; '.join(sentences)}. Medians on one batch of the training data; real tokens only, no padding.",
        figure=figure,
        headings=["run", *(f"{name} (ms)" for name in colours), "step (ms)", "tokens per second", "peak memory (MB)"],
        rows=rows,
        marks=marks,
    )
    return [chart]


def _part_colours(parts: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """Return the colour of each part that takes time in any run, in the order of `PARTS`, further ones at the end."""
    names = dict.fromkeys([*PARTS, *(name for shares in parts for name in shares)])
    return {
        name: COLOURS[i % len(COLOURS)]
        for i, name in enumerate(names)
        if any(shares.get(name, 0) > 0 for shares in parts)
    }
