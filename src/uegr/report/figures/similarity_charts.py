"""Distance of each layer from the pretrained model (the paper's Figure 2(a)): representations and weights."""

from collections.abc import Sequence
from typing import Any

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, legend, look
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
    figure, axes = canvas(3.2)
    marks: list[Mark] = []
    cells: dict[str, dict[str, float]] = {}
    layers = list(dict.fromkeys(layer for part in parts.values() for layer in part["layers"]))
    for group, part in parts.items():
        measured = zip(part["layers"], part[kind], strict=True)
        values = {layer: value for layer, value in measured if value is not None}
        cells[group.label] = values
        axes.plot([layers.index(layer) for layer in values], list(values.values()), **look(group.index))
        marks += [
            Mark(axes, layers.index(layer), value, f"{group.label}, {layer}: {value:.4f}")
            for layer, value in values.items()
        ]
    axes.set_xticks(range(len(layers)), [_short(layer) for layer in layers])
    if len(layers) > 13:
        axes.set_xticks(range(0, len(layers), 4), [_short(layer) for layer in layers[::4]])
    axes.set_xlabel("layer (emb: embeddings)")
    axes.set_ylabel(unit)
    if kind == "drift":
        axes.set_ylim(bottom=0)
    legend(figure, [(group.label, look(group.index)) for group in parts])
    ranges = "; ".join(
        f"{label} from {min(values.values()):.3f} to {max(values.values()):.3f}"
        for label, values in cells.items()
        if values
    )
    part = next(iter(parts.values()))
    counted = f" {part['tokens']} tokens of {part['examples']} examples." if "tokens" in part else ""
    reference = f" Pretrained model: {part['reference']}." if "reference" in part else ""
    return Chart(
        name=f"similarity-{kind}",
        title=title,
        alt=f"{unit.capitalize()} against layer, by run, lowest and highest: {ranges}.",
        caption=f"{caption}{reference}{counted}",
        figure=figure,
        headings=["layer", *cells],
        rows=[
            [layer, *(f"{values[layer]:.4f}" if layer in values else "–" for values in cells.values())]
            for layer in layers
        ],
        marks=marks,
    )


def _short(layer: str) -> str:
    if "embeddings" in layer:
        return "emb"
    last = layer.rpartition(".")[2].rpartition(" ")[2]
    return last if len(last) <= 4 else last[:4]
