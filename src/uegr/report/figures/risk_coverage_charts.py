"""The risk-coverage curve: the error rate if the model answers only the examples of which it is most confident."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, legend, look
from uegr.report.run_groups import Group, analysed


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Error rate among the most confident examples, against their share of all examples."""
    parts = analysed(groups, "selective")
    if not parts:
        return []
    figure, axes = canvas(3.2)
    marks, sentences = [], []
    cells: dict[str, dict[str, str]] = {}
    for group, part in parts.items():
        coverage, risk = ([100 * share for share in part[name]] for name in ("coverage", "risk"))
        every = max(1, len(coverage) // 20)
        axes.plot(coverage, risk, **look(group.index), markevery=every, clip_on=False)
        for i in {*range(0, len(coverage), every), len(coverage) - 1}:
            x, y = coverage[i], risk[i]
            marks.append(Mark(axes, x, y, f"{group.label}: {y:.1f} % wrong among the most confident {x:.0f} %"))
            cells.setdefault(f"{x:.0f}", {})[group.label] = f"{y:.1f}"
        oracle = f", {part['aurc_oracle']:.3f} at best" if "aurc_oracle" in part else ""
        sentences.append(f"{group.label}: area {part['aurc']:.3f}{oracle}")
    axes.set_xlabel("coverage, most confident examples first (%)")
    axes.set_ylabel("risk: answers wrong (%)")
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    legend(figure, [(group.label, look(group.index)) for group in parts])
    chart = Chart(
        name="selective",
        title="Risk and coverage",
        alt=f"Error rate against coverage, most confident examples first. {'; '.join(sentences)}.",
        caption=(
            "The error rate if only the most confident examples are answered. Area under the curve, smaller is better: "
            f"{'; '.join(sentences)} (the best ranking puts every error last)."
        ),
        figure=figure,
        headings=["coverage (%)", *(f"{group.label}: risk (%)" for group in parts)],
        rows=[[share, *(cells[share].get(group.label, "–") for group in parts)] for share in sorted(cells, key=float)],
        marks=marks,
    )
    return [chart]
