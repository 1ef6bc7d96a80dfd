"""The risk-coverage curve: the error rate if the model answers only its most confident examples."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart
from uegr.report.figures.curve_chart import Line, draw_curves
from uegr.report.run_groups import Group, analysed


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Error rate among the most confident examples, against their share of all examples."""
    parts = analysed(groups, "selective")
    if not parts:
        return []
    lines, sentences = [], []
    for group, part in parts.items():
        coverage, risk = ([100 * share for share in part[name]] for name in ("coverage", "risk"))
        kept = sorted({*range(0, len(coverage), max(1, len(coverage) // 50)), len(coverage) - 1})
        lines.append(Line(group.label, group.index, [coverage[i] for i in kept], [risk[i] for i in kept]))
        oracle = f", {part['aurc_oracle']:.3f} at best" if "aurc_oracle" in part else ""
        sentences.append(f"{group.label}: area {part['aurc']:.3f}{oracle}")
    chart = draw_curves(
        lines,
        "coverage, most confident examples first (%)",
        "risk: answers wrong (%)",
        name="selective",
        title="Risk and coverage",
        alt=f"Error rate against coverage, most confident examples first. {'; '.join(sentences)}.",
        caption=(
            "The error rate if only the most confident examples are answered. Area under the curve, smaller is better: "
            f"{'; '.join(sentences)} (the best ranking puts every error last)."
        ),
        place="{:.0f}",
        number="{:.1f}",
    )
    chart.figure.axes[0].set(xlim=(0, 100), ylim=(0, None))
    return [chart]
