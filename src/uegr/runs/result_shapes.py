"""The shapes of the objects in results.json that stay dictionaries; docs/results-schema.md describes every field.

Keys that a shape does not name are kept. This module does not postpone its annotations: `TypedDict` would not see which
keys are `NotRequired`.
"""

from typing import NotRequired, TypedDict


class OverlapShape(TypedDict):
    """See `uegr.data.overlap`, and for the number of texts of a hardening `uegr.runs.hardening_texts`."""

    examples: int
    exact: int
    near: int
    similarity: float
    hardening: NotRequired[int]


class LengthBaseline(TypedDict):
    """See `uegr.evaluation.length_baseline`."""

    accuracy: float
    auc: float


class Spread(TypedDict):
    """A mean over examples or probes."""

    mean: float
    standard_error: float


class Cost(TypedDict):
    """See `uegr.runs.result_parts.EvaluationCost`."""

    seconds: float
    examples: int
    forward_passes: float


class Outcomes(TypedDict):
    """See `uegr.evaluation.packed_outcomes`."""

    examples: int
    clean: str
    typos: NotRequired[str]
    robust: list[str]


class Slice(TypedDict):
    """See `uegr.evaluation.data_slices`."""

    slice: str
    examples: int
    accuracy: float
    clean_accuracy: NotRequired[float]


class Sample(TypedDict):
    """A text that an attack changed."""

    label: str
    before: str
    after: str
    predicted: str


class TransferShape(TypedDict):
    """A run on another task; `unseen` holds the number of texts and the metric."""

    task: str
    metric: str
    metrics: dict[str, float]
    test_examples: int
    leakage: OverlapShape
    unseen: dict[str, float | None]
    positive_label: NotRequired[str]
    label_map: NotRequired[dict[str, dict[str, str | None]]]


class AnalysisPart(TypedDict):
    """What every part of the analysis may have."""

    cost: NotRequired[Cost]


class Bin(TypedDict):
    """One bin of confidence; its means are None where it is empty."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


class Calibration(AnalysisPart):
    """See `uegr.evaluation.calibration`."""

    ece: float
    brier: float
    examples: int
    bins: list[Bin]


class Selective(AnalysisPart):
    """Error rate among the most confident examples, by their share."""

    coverage: list[float]
    risk: list[float]
    aurc: float
    aurc_oracle: float


class OtherTask(TypedDict):
    """How well two scores separate the texts of another task."""

    task: str
    examples: int
    auroc: dict[str, float]


class OutOfDistribution(AnalysisPart):
    """Texts of other tasks."""

    tasks: list[OtherTask]


class Similarity(AnalysisPart):
    """Layers compared with those of the pretrained model; None where it has no such weights."""

    reference: str
    layers: list[str]
    cka: list[float | None]
    cosine: list[float | None]
    drift: list[float | None]
    tokens: NotRequired[int]
    examples: NotRequired[int]


class Parameter(TypedDict):
    """The saliency of one tensor of weights."""

    name: str
    layer: str
    elements: int
    saliency: float


class Saliency(AnalysisPart):
    """The saliency of all tensors of weights."""

    parameters: list[Parameter]
    examples: int


class Sharpness(TypedDict):
    """Loss gained by a step of length rho."""

    rho: list[float]
    increase: list[float]


class LineShape(TypedDict):
    """Loss and accuracy along one direction."""

    alphas: list[float]
    loss: list[float]
    accuracy: list[float]


class Plane(TypedDict):
    """Loss along two directions."""

    alphas: list[float]
    betas: list[float]
    loss: list[list[float]]


class Landscape(AnalysisPart):
    """The loss around the trained weights."""

    examples: int
    loss: float
    eigenvalues: list[float]
    trace: Spread
    sharpness: Sharpness
    input_gradient: Spread
    slice_1d: LineShape
    slice_2d: Plane


class GradientMasking(AnalysisPart):
    """Accuracies by epsilon of attacks with and without gradients."""

    epsilons: NotRequired[list[float]]
    white_box: NotRequired[list[float]]
    black_box: NotRequired[list[float]]
    transfer: NotRequired[list[float]]
    zero_gradient: NotRequired[float]
    flag: bool
    reasons: list[str]


class Analysis(TypedDict, total=False):
    """Every part may be absent."""

    calibration: Calibration
    selective: Selective
    ood: OutOfDistribution
    similarity: Similarity
    saliency: Saliency
    landscape: Landscape
    gradient_masking: GradientMasking
