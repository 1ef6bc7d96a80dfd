"""Say what is wrong with a batch: before its loss where the check costs nothing, or after a pass over it has failed."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from uegr.errors import UegrError, UsageError, is_out_of_memory, shown
from uegr.modeling.embeddings import token_table
from uegr.modeling.model_parts import longest_input
from uegr.modeling.model_wrappers import unwrap


def check_batch(batch: Any, *, perturbs: bool) -> None:
    """Check a batch for the task's loss.

    Args:
        batch: from the user's loader.
        perturbs: whether the method moves token embeddings.

    Raises:
        UsageError: it is not a mapping, has no labels or no examples, lacks token ids where they are needed, or has a
            mask that does not belong to its tokens.
    """
    if not isinstance(batch, Mapping):
        raise UsageError(
            f"a batch must be a dict of the model's inputs and 'labels', not {shown(batch)}: let the loader's collator "
            "return one, or give attach(...) a compute_loss, which takes any batch."
        )
    if "labels" not in batch:
        raise UsageError(
            "the batch holds no 'labels': name the column of the targets 'labels', or give attach(...) a compute_loss "
            "if other columns hold them."
        )
    ids, mask = batch.get("input_ids"), batch.get("attention_mask")
    if perturbs:
        if ids is None:
            raise UsageError(
                "the batch holds no 'input_ids', and the method moves the embeddings of tokens: give their ids in "
                "place of embeddings, or choose a method that does not move embeddings, such as r-drop."
            )
        fault = _fault_of_ids(ids)
        if fault is not None:
            raise UsageError(fault)
    if isinstance(ids, Tensor) and not ids.numel():
        raise UsageError("the batch holds no token: leave out batches without examples.")
    if isinstance(ids, Tensor) and isinstance(mask, Tensor) and mask.dim() == ids.dim() and mask.shape != ids.shape:
        raise UsageError(
            f"the attention_mask of shape {tuple(mask.shape)} does not belong to input_ids of shape "
            f"{tuple(ids.shape)}: pad both to the same length."
        )


@contextmanager
def batch_faults_named(model: nn.Module, batch: Any) -> Iterator[None]:
    """Say what is wrong with the batch if a pass over it fails in this context.

    Raises:
        UsageError: in place of an error of the model whose cause is known.
    """
    try:
        yield
    except UegrError:
        raise
    except Exception as error:
        fault = None if is_out_of_memory(error) else _fault_of(model, batch, error)
        if fault is None:
            raise
        raise UsageError(fault) from error


def _fault_of(model: nn.Module, batch: Any, error: Exception) -> str | None:
    inner, batch = unwrap(model), batch if isinstance(batch, Mapping) else {}
    if "padding token is defined" in str(error):
        return f"{type(inner).__name__} needs a padding token to find the end of a text: set model.config.pad_token_id."
    taken = inspect.signature(type(inner).forward).parameters
    unused = [key for key in batch if key not in taken and key != "labels"]
    if isinstance(error, TypeError) and "unexpected keyword" in str(error) and unused:
        return (
            f"the forward of {type(inner).__name__} does not take '{unused[0]}': leave that column out of the batches."
        )
    if "input_ids" not in batch:
        return None
    return _fault_of_ids(batch["input_ids"]) or _fault_of_tokens(inner, batch["input_ids"], error)


def _fault_of_ids(ids: Any) -> str | None:
    if not isinstance(ids, Tensor):
        return (
            f"input_ids must be a tensor, not {shown(ids)}: call the tokenizer with return_tensors='pt', or "
            "torch.tensor(...)."
        )
    if ids.is_floating_point():
        return f"input_ids must be whole numbers, not {str(ids.dtype).removeprefix('torch.')}: write input_ids.long()."
    if ids.dim() < 2:
        return f"input_ids of shape {tuple(ids.shape)} are one text and not a batch: write input_ids.unsqueeze(0)."
    return None


def _fault_of_tokens(model: nn.Module, ids: Tensor, error: Exception) -> str | None:
    """Say which tokens have no embedding or no position; on the CPU the model's look-up of such tokens fails."""
    table, positions, name = token_table(model), longest_input(model), type(model).__name__
    if isinstance(error, IndexError) and table is not None and not 0 <= int(ids.min()) <= int(ids.max()) < len(table):
        return (
            f"the batch holds tokens from {int(ids.min())} to {int(ids.max())} and {name} has embeddings for "
            f"{len(table)}: use the model's own tokenizer, or call model.resize_token_embeddings(len(tokenizer))."
        )
    if positions is not None and ids.shape[-1] > positions:
        return (
            f"the batch holds texts of {ids.shape[-1]} tokens and {name} reads at most {positions}: cut them with "
            f"truncation=True, max_length={positions}."
        )
    return None
