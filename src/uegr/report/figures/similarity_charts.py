"""Distance of each layer from the pretrained model (the paper's Figure 2(a)): representations and weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from uegr.report.figures.chart import Chart
from uegr.report.figures.curve_chart import Line, draw_curves
from uegr.report.run_groups import Group, analysed

KINDS = {
    "cka": (
        "Similarity to the pretrained model: CKA",
        "linear CKA",
        "Linear CKA of the token representations before and after training: 1 for the same geometry.",
    ),
    "cosine": (
        "Similarity to the pretrained model: cosine",
        "mean cosine",
        "Mean cosine of a token's representations before and after training: 1 for the same direction.",
    ),
    "drift": (
        "Drift of the weights",
        "relative l2 distance",
        "l2 distance of a layer's weights from the pretrained ones, divided by the norm of the pretrained ones.",
    ),
}


def charts(groups: Sequence[Group]) -> list[Chart]:
    """One figure per measure, one curve per group over the layers."""
    parts = analysed(groups, "similarity")
    return [_chart(kind, parts) for kind in KINDS if any(kind in part for part in parts.values())]


def _chart(kind: str, parts: dict[Group, dict[str, Any]]) -> Chart:
    title, unit, caption = KINDS[kind]
    layers = list(dict.fromkeys(layer for part in parts.values() for layer in part["layers"]))
    lines = []
    for group, part in parts.items():
        measured = [
            (layers.index(layer), y) for layer, y in zip(part["layers"], part[kind], strict=True) if y is not None
        ]
        lines += [Line(group.label, group.index, *zip(*measured, strict=True))] if measured else []
    ranges = "; ".join(f"{line.label} from {min(line.y):.3f} to {max(line.y):.3f}" for line in lines)
    part = next(iter(parts.values()))
    has_counts = "tokens" in part and "examples" in part
    counted = f" {part['tokens']} tokens of {part['examples']} examples." if has_counts else ""
    reference = f" Pretrained model: {part['reference']}." if "reference" in part else ""
    chart = draw_curves(
        lines,
        "layer (emb: embeddings)",
        unit,
        name=f"similarity-{kind}",
        title=title,
        alt=f"{unit.capitalize()} against layer, by run, lowest and highest: {ranges}.",
        caption=f"{caption}{reference}{counted}",
        number="{:.4f}",
    )
    axes = chart.figure.axes[0]
    every = 4 if len(layers) > 13 else 1
    axes.set_xticks(range(0, len(layers), every), [_short(layer) for layer in layers[::every]])
    if kind == "drift":
        axes.set_ylim(bottom=0)
    rows = [[layers[int(row[0])], *row[1:]] for row in chart.rows]
    return replace(chart, headings=["layer", *chart.headings[1:]], rows=rows)


def _short(layer: str) -> str:
    if "embeddings" in layer:
        return "emb"
    last = layer.rpartition(".")[2].rpartition(" ")[2]
    return last if len(last) <= 4 else last[:4]
