"""Open a model or a tokenizer from a folder that may be damaged: every error is one sentence that names the file.

The files are checked as far as possible before anything is built. No pickle and no code of the folder is run.
"""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import PreTrainedModel

from uegr.atomic_files import read_json
from uegr.errors import UsageError, is_out_of_memory
from uegr.modeling.model_parts import head_parameters, head_title, saved_head
from uegr.modeling.opening_errors import is_not_found, reason_of, remedy_for

WEIGHTS, INDEX, PICKLES = "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"
ADAPTER = "adapter_config.json"
CONFIGURATIONS = ("config.json", "tokenizer_config.json", "tokenizer.json")
"""The file by which peft's folder of adapters is recognised."""
FLOATS = {"F64", "F32", "F16", "BF16"}
"""Dtypes that can be trained; a file of integers is quantized."""
LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers")
"""Names of the number of layers in a configuration: a layer has at least one tensor."""
SIZES = ("vocab_size", "hidden_size", "intermediate_size", "d_model", "n_embd", "dim")
"""Names of sizes in a configuration that are also the size of a tensor."""


_NEW_WEIGHTS: WeakKeyDictionary[nn.Module, list[str]] = WeakKeyDictionary()
"""Model -> the names of its weights that were drawn at random."""


def open_weights(open_model: Callable[..., Any], path: str, *, new_head: bool, **options: Any) -> PreTrainedModel:
    """Open the weights of a folder or a hub name in float32.

    Args:
        open_model: a `from_pretrained`.
        path: folder or name.
        new_head: weights outside the pretrained body may be missing or have a different shape; they are then drawn at
            random.
        **options: of `from_pretrained`.

    Raises:
        UsageError: a weight of the body is missing or has a different shape, the file is damaged, or its head is for
            another kind of task and may not be new.
    """
    if Path(path).is_dir():
        check_folder(Path(path))
    model, info = guarded(
        path, open_model, dtype=torch.float32, ignore_mismatched_sizes=True, output_loading_info=True, **options
    )
    other = None if new_head else saved_head(model)
    if other is not None:
        raise UsageError(f"'{path}' is a model for {other}: name one for {head_title(type(model).__name__)}.")
    head = {id(parameter) for parameter in head_parameters(model)}
    free = {name for name, parameter in model.named_parameters() if new_head and id(parameter) in head}
    different_shape = [entry[0] if isinstance(entry, tuple) else str(entry) for entry in info["mismatched_keys"]]
    faults = {"has a different shape than the configuration says": different_shape, "is missing": info["missing_keys"]}
    for fault, names in faults.items():
        wrong = sorted(name for name in names if name not in free and _is_essential(name, new_head))
        if wrong:
            raise UsageError(
                f"'{path}': weight {wrong[0]} {fault}{f' ({len(wrong)} in all)' if len(wrong) > 1 else ''}: the folder "
                "is damaged or of another kind of model; save the model again."
            )
    broken = next((name for name, weight in model.named_parameters() if not bool(weight.isfinite().all())), None)
    if broken is not None:
        raise UsageError(f"'{path}': weight {broken} holds NaN or infinite numbers: take an earlier checkpoint.")
    _NEW_WEIGHTS[model] = sorted({*info["missing_keys"], *different_shape})
    return model  # type: ignore[no-any-return]


def all_weights_new(model: PreTrainedModel) -> PreTrainedModel:
    """The model, after a note that none of its weights is in a file."""
    _NEW_WEIGHTS[model] = sorted(name for name, _ in model.named_parameters())
    return model


def add_new_weights(model: nn.Module, names: Iterable[str]) -> None:
    """Note weights that were drawn after the model was opened."""
    _NEW_WEIGHTS[model] = sorted({*new_weights_of(model), *names})


def new_weights_of(model: nn.Module) -> list[str]:
    """The names of the weights that are in no file and were therefore drawn at random."""
    return _NEW_WEIGHTS.get(model, [])


def guarded(path: str, function: Callable[..., Any], **options: Any) -> Any:
    """Call a `from_pretrained` without running code of the folder and without prompts; errors become one sentence.

    Raises:
        UsageError: whatever the library raises on a damaged folder, or on a model that it cannot open.
        FileNotFoundError: there is neither a folder nor a model of the hub.
    """
    options.setdefault("trust_remote_code", False)
    try:
        return function(path, **options)
    except UsageError:
        raise
    except Exception as error:  # a damaged folder raises anything
        if is_out_of_memory(error):
            raise
        reason = reason_of(error)
        if "trust_remote_code" in reason or "custom code" in reason:
            raise UsageError(
                f"'{path}' needs Python code that comes with it, which is not run: add --trust_remote_code if you "
                "trust its author."
            ) from error
        if is_not_found(path, error):
            raise FileNotFoundError(reason) from error
        raise UsageError(
            f"'{path}' cannot be opened ({type(error).__name__}: {reason}): {remedy_for(path, error)}."
        ) from error


def check_json_files(folder: Path) -> None:
    """Look at the configurations of model and tokenizer, where they exist.

    Raises:
        UsageError: a file does not hold a JSON object.
    """
    for name in CONFIGURATIONS:
        if (folder / name).is_file():
            _read_object(folder / name)


def check_holds_model(folder: Path) -> None:
    """Refuse a folder without any configuration; the name of a model of a hub is no folder.

    Raises:
        UsageError: it is such a folder.
    """
    if folder.is_dir() and not any((folder / name).is_file() for name in (*CONFIGURATIONS, ADAPTER)):
        raise UsageError(f"'{folder}' holds no model: name the folder that has its config.json and tokenizer.json.")


def check_no_adapter(folder: Path) -> None:
    """Refuse a folder that holds adapters alone, where a training needs all weights.

    Raises:
        UsageError: it is a folder of peft.
    """
    if (folder / ADAPTER).is_file() and not (folder / "config.json").is_file():
        base = _read_object(folder / ADAPTER).get("base_model_name_or_path")
        raise UsageError(
            f"'{folder}' holds adapters of the model {base}, and not its weights: merge them first with peft's "
            "merge_and_unload() and save the model and its tokenizer, or train that model with --lora_r."
        )


def check_folder(folder: Path) -> None:
    """Look at configuration and headers of the weights.

    Raises:
        UsageError: a file is missing, empty, cut off or in another format, or a number in the configuration is invalid.
    """
    if (folder / ADAPTER).is_file():  # the weights are those of the model that it names
        _read_object(folder / ADAPTER)
        return
    config = _read_object(folder / "config.json")
    shapes = _shapes(folder)
    for name, value in config.items():
        if isinstance(value, float) and "dropout" in name and not 0.0 <= value < 1.0:
            raise UsageError(f"'{folder / 'config.json'}': {name} is {value} and must lie in [0, 1): correct it.")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"'{folder / 'config.json'}': {name} is {value}: correct it.")
        limit = None
        if name in LAYERS and isinstance(value, int):
            limit = len(shapes)
        elif name in SIZES and isinstance(value, int):
            limit = 4 * max(max(shape, default=1) for shape in shapes.values())
        if limit is not None and value > limit:
            raise UsageError(
                f"'{folder / 'config.json'}': {name} is {value:,}, and the weights beside it are of a smaller model: "
                "take the configuration that was saved with them."
            )


def read_safetensors(file: Path) -> dict[str, list[int]]:
    """Name -> shape of all tensors in a file.

    Raises:
        UsageError: the file is empty, cut off, in another format, or holds quantized weights.
    """
    try:
        with safe_open(file, framework="pt") as tensors:
            slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # not a mapping
            dtypes = {part.get_dtype() for name, part in slices.items() if name.endswith("weight")}
            shapes = {name: list(part.get_shape()) for name, part in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(
            f"'{file}' is damaged or cut off ({error}): copy it again, or take another checkpoint."
        ) from None
    if not dtypes <= FLOATS:
        numbers = ", ".join(sorted(dtypes - FLOATS))
        raise UsageError(
            f"'{file}' holds {numbers} numbers: a quantized model cannot be trained; take its float32, "
            "float16 or bfloat16 version."
        )
    return shapes


def _read_object(file: Path) -> dict[str, Any]:
    try:
        return read_json(file, "copy it again", is_object=True)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise UsageError(f"'{file.parent}' holds no {file.name}: name the folder of a Hugging Face model.") from None
    except OSError as error:
        raise UsageError(f"'{file}' cannot be read ({error}): copy it again.") from None


def _shapes(folder: Path) -> dict[str, list[int]]:
    if (folder / INDEX).is_file():
        weight_map = _read_object(folder / INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
            raise UsageError(f"'{folder / INDEX}' has no weight_map: copy it again.")
        outside = next((name for name in weight_map.values() if Path(name).name != name), None)
        if outside is not None:
            raise UsageError(f"'{folder / INDEX}' names '{outside}', a file of another folder: copy the folder again.")
        files = sorted({folder / name for name in weight_map.values()})
    else:
        files = [folder / WEIGHTS]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        hint = f"convert its {PICKLES}" if (folder / PICKLES).is_file() else "copy it again"
        raise UsageError(f"'{folder}' holds no {missing.name}: {hint} (only safetensors are read).")
    shapes = {name: shape for file in files for name, shape in read_safetensors(file).items()}
    if not shapes:
        raise UsageError(f"'{folder}' holds weights files without any tensor: copy it again.")
    return shapes


def _is_essential(name: str, new_head: bool) -> bool:
    """Whether a weight may not be drawn at random: all of a trained model, and layers and embeddings of a body.

    Poolers are missing in many pretrained bodies, and buffers such as position ids are computed.
    """
    if not new_head:
        return True
    return "embed" in name or any(part.isdigit() for part in name.split("."))
