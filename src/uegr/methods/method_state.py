"""What a method's saved state says of the method and the model that it belongs to, and the check when it is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from uegr.backward.backward_stage import BackwardStage
from uegr.errors import UsageError
from uegr.modeling.shards import shard

SHAPES = "parameter_shapes"
OF_EARLIER_VERSIONS = ("bins", "masks", "pretrained")
"""Parts of a backward stage's state that have a tensor per parameter, for states that were saved without shapes."""


def shapes_of(stage: BackwardStage) -> dict[int, list[int]]:
    """Position among the optimizer's parameters -> shape, of the parameters that the stage's state has a tensor of."""
    return _shapes(stage.tensors_of_parameters())


def check_state(state: Mapping[str, Any], name: str, parameters: Sequence[Tensor] | None) -> None:
    """Check that a state is one of a method called `name`, and of these parameters, if any are given.

    Raises:
        UsageError: it is another method's or another model's, or not a state of a method.
    """
    missing = {"calls", "steps", "forward", "backward"} - {*state}
    if missing:
        raise UsageError(
            f"the state holds no '{min(missing)}': give what state_dict() of a method, or under 'uegr' that of its "
            "optimizer, has returned."
        )
    saved = state.get("method", name)
    if saved != name:
        raise UsageError(
            f"the saved state is of the method {saved} and this method is {name}: go on with {saved}, or start over "
            "without this state."
        )
    if parameters is None:
        return
    for i, shape in _saved_shapes(state).items():
        # A copy that was made before the parameters were sharded is whole; see `BackwardStage.follow_parameters`.
        present = [] if i >= len(parameters) else [[*shard(parameters[i]).shape], [*parameters[i].shape]]
        if [*shape] not in present:
            now = f"has shape {tuple(present[0])}" if present else "does not exist"
            raise UsageError(
                f"parameter {i} {now}, and had shape {tuple(shape)} when the method's state was saved, so the state is "
                "of another model, or of another number of processes: load the one that belongs to this one."
            )


def _saved_shapes(state: Mapping[str, Any]) -> dict[int, list[int]]:
    if SHAPES in state:
        return {int(i): shape for i, shape in state[SHAPES].items()}
    stage = state["backward"]
    observed = stage.get("selectable", stage.get("body", ()))
    means = stage.get("scores", {}).get("means", {})
    means = {position: means[index] for index, position in enumerate(observed) if index in means}
    return _shapes([means, *(stage.get(part, {}) for part in OF_EARLIER_VERSIONS)])


def _shapes(tensors: Iterable[Mapping[int, Tensor]]) -> dict[int, list[int]]:
    return {int(i): [*tensor.shape] for of_parameters in tensors for i, tensor in of_parameters.items()}
