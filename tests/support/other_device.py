"""A device that this machine does not have: the checks that need a GPU only to have a second device run on it.

A tensor of the device is a wrapper around a tensor of the CPU. As on a GPU, an operation fails that mixes tensors of
both, or that draws on the device from a generator of the CPU; as on an Apple GPU, one that makes a float64 tensor
there. PyTorch keeps the device for the rest of the process, so that the checks run in a process of their own:

    python -m support.other_device      prints, as JSON, the numbers of every check on the CPU and on the device
"""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from support.reviews import reviews, tokenizer
from support.small_models import batch, bert
from uegr import METHODS, UsageError, evaluate, make_config
from uegr.evaluation.attacks.attack_registry import attack_class
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.input_gradients import input_gradient_norms
from uegr.evaluation.similarity import measure_similarity
from uegr.evaluation.worst_case import worst_outputs
from uegr.methods.method import Method

NAME = "other"
CPU = torch.device("cpu")
COPIES = {"aten::_to_copy", "aten::copy_", "aten::_local_scalar_dense"}
"""Operations that may read one device and write the other."""
ATTACKS = ("pgd", "auto-pgd", "random-search", "deepwordbug", "homoglyphs")
INDEXING = {"aten::index", "aten::index_put_", "aten::index_put", "aten::_index_put_impl_"}
"""Operations whose indices may be on the CPU."""


class OtherDevice:
    """What PyTorch asks of a device's module."""

    _generator = torch.Generator()

    def is_initialized(self) -> bool:
        return True

    is_available = is_initialized

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def manual_seed_all(self, seed: int) -> None:
        self._generator.manual_seed(seed)

    def get_rng_state(self, device: Any = None) -> Tensor:
        return self._generator.get_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        self._generator.set_state(state)


_setup_privateuseone_for_python_backend(NAME, backend_module=OtherDevice())
OTHER = torch.device(NAME, 0)
disable_progress_bars()


class Elsewhere(Tensor):
    """A tensor on the device."""

    @staticmethod
    def __new__(cls, inner: Tensor) -> Any:
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, inner.stride(), inner.storage_offset(), dtype=inner.dtype, device=OTHER
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    def tolist(self) -> Any:
        return self.detach().inner.tolist()  # type: ignore[attr-defined]

    def numpy(self, **_: Any) -> Any:  # type: ignore[override]
        raise TypeError(f"a tensor of {OTHER} cannot become an array: copy it to the CPU first.")

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(operation, args, kwargs or {})


class WithOtherDevice(TorchDispatchMode):
    """Also sees the operations that make a tensor of the device from none."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(operation, args, kwargs or {})


def run(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute an operation on the CPU; its results are where a GPU's would be."""
    name = operation._schema.name
    tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    here = [tensor for tensor in tensors if not isinstance(tensor, Elsewhere)]
    target = torch.device(kwargs.get("device") or (OTHER if there else CPU))
    if name == "aten::copy_":
        target = args[0].device
    mixed = there and any(tensor.dim() > 0 for tensor in here)
    if name in INDEXING:
        mixed = there and not isinstance(args[0], Elsewhere)
    if mixed and name not in COPIES:
        raise RuntimeError(f"{name} mixes tensors of two devices.")
    if target.type == NAME and isinstance(kwargs.get("generator"), torch.Generator):
        raise RuntimeError(f"{name} draws from a generator of the CPU.")
    if target.type == NAME and "device" in kwargs:
        kwargs = {**kwargs, "device": CPU}
    result = operation(*pytree.tree_map_only(Elsewhere, lambda tensor: tensor.inner, args),
                       **pytree.tree_map_only(Elsewhere, lambda tensor: tensor.inner, kwargs))  # fmt: skip
    if target.type != NAME:
        return result
    if any(isinstance(leaf, Tensor) and leaf.dtype == torch.float64 for leaf in pytree.tree_leaves(result)):
        raise TypeError(f"{name} makes a float64 tensor, which an Apple GPU does not have.")
    wrappers = {id(tensor.inner): tensor for tensor in there}  # an operation in place returns its argument

    def wrapped(tensor: Tensor) -> Tensor:
        return wrappers[id(tensor)] if id(tensor) in wrappers else Elsewhere(tensor)

    return pytree.tree_map_only(Tensor, wrapped, result)


def place(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {key: value.to(device) for key, value in tensors.items()}


def wrong_labels(device: torch.device) -> list[float]:
    """Whether labels that are no classes are refused, which a GPU would answer with an assertion in the device."""
    model = bert().to(device).train()
    method = make_config("plain").attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    data = place({**batch(), "labels": torch.tensor([0, 1, 2, 1])}, device)
    try:
        method.loss(data)
    except UsageError as error:
        return [float("label 2 is not one of the model's 2 classes" in str(error))]
    return [0.0]


def losses(name: str, device: torch.device, **options: Any) -> list[float]:
    """The losses of a method's first steps, as a loop with accelerate makes them, and of a step after resuming.

    The model is moved after the method was attached; the loader's batches and the checkpoint are on the CPU.
    """
    model = bert().train()
    batches = [batch(seed=i) for i in range(4)]

    def attached(**more: Any) -> Method:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        config = make_config(name, options)
        return config.attach(model=model, optimizer=optimizer, tokenizer=tokenizer(), seed=3, **more)

    method = attached(train_loader=batches)
    model.to(device)
    numbers = []
    for number, data in enumerate(batches):
        if number == 2:
            state = pytree.tree_map_only(Tensor, lambda tensor: tensor.cpu(), method.optimizer.state_dict())
            method = attached()
            method.optimizer.load_state_dict(state)
        loss = method.loss(place(data, device))
        loss.backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        numbers.append(float(loss.detach()))
    return numbers


def accuracies(device: torch.device) -> list[float]:
    """What is measured on a model: NLL, calibration, and accuracy clean, with typing errors and under PGD."""
    report = evaluate(bert().to(device), tokenizer(), reviews(12), epsilons=[0.2])
    return [*report.metrics.values(), *report.robust_accuracy.values()]


def attacked(name: str, device: torch.device) -> list[float]:
    """The accuracy under an attack on the text, or on the embeddings."""
    attack, model, rows = attack_class(name)(), bert().to(device).eval(), reviews(12)
    if isinstance(attack, TextAttack):
        return [attack(model, tokenizer(), list(rows["text"]), list(rows["label"])).accuracy]
    return list(attack(model, place(batch(examples=8), device), epsilons=[0.1, 0.2]).accuracy)


def analysed(device: torch.device) -> list[float]:
    """Norms of input gradients, the similarity to another model, and the outputs of largest error under PGD."""
    rows, words = Dataset.from_pandas(reviews(6)), tokenizer()
    similarity = measure_similarity(EvaluatedModel(bert().to(device), words), bert(seed=1).to(device), rows)
    numbers = EvaluatedModel(bert(labels=1, problem_type="regression").to(device), words, kind="regression")
    labelled = rows.remove_columns("label").add_column("label", [0.5 * i for i in range(6)])
    return [
        *input_gradient_norms(EvaluatedModel(bert().to(device), words), rows),
        *similarity["cka"],
        similarity["drift_total"],
        *worst_outputs(numbers, labelled, [0.0, 0.2], PGD(steps=2)).flatten(),
    ]


CHECKS: dict[str, Callable[[torch.device], list[float]]] = {
    **{name: functools.partial(losses, name) for name in METHODS},
    "evaluate": accuracies,
    "labels": wrong_labels,
    "analyse": analysed,
    "views": lambda device: losses("uegr", device, views=["characters+mask", "adversarial"]),
    "own scores": lambda device: losses("uegr", device, saliency="fisher", mask_mode="frozen", refresh=1),
    "kept bins": lambda device: losses("uegr", device, saliency="gradient", mask_mode="gradient", refresh=2),
    **{f"attack {name}": functools.partial(attacked, name) for name in ATTACKS},
}


def results_of(check: Callable[[torch.device], list[float]]) -> dict[str, Any]:
    """The numbers on both devices, or the error."""
    on_cpu = check(CPU)
    try:
        with WithOtherDevice():
            return {"cpu": on_cpu, "other": check(OTHER)}
    except Exception as error:  # noqa: BLE001  # the test shows it
        return {"error": "".join(traceback.format_exception(error)[-3:])}


if __name__ == "__main__":
    torch.__future__.set_swap_module_params_on_conversion(True)  # a moved parameter stays the same object, as on a GPU
    make_tensor = torch.tensor
    torch.tensor = lambda *values, device=None, **options: make_tensor(*values, **options).to(device or CPU)  # type: ignore[assignment]  # PyTorch makes it without the dispatcher
    print(json.dumps({name: results_of(check) for name, check in CHECKS.items()}))
