"""F1 of the entities that a model with an output per token finds."""

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_data import class_names
from uegr.modeling.checkpoint_head import are_unnamed
from uegr.modeling.metrics import entity_f1
from uegr.modeling.task_kinds.task_kind import Outputs


def entities_found(evaluated: EvaluatedModel, outputs: Outputs) -> float:
    """F1 of whole entities, in [0, 1].

    Args:
        evaluated: its configuration names the classes; without names, class 0 is outside of entities.
        outputs: of `Tokens`, (N, T, 3).
    """
    names = class_names(evaluated.model, int(outputs[..., :2].max()) + 1)
    if are_unnamed(names):
        names = [str(number) for number in range(len(names))]  # so that 0 is the outside, as among numbers
    rows = [[(names[int(label)], names[int(tag)]) for label, tag, _ in row if label >= 0] for row in outputs]
    labels, predicted = ([[pair[side] for pair in row] for row in rows] for side in (0, 1))
    return entity_f1(predicted, labels)
