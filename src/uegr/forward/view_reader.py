"""Make a view of a batch: edit its texts, tokenize and pad them again, and record where each token comes from."""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.step_inputs import Batch
from uegr.forward.view_options import ViewOptions
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_parts import longest_input
from uegr.modeling.model_wrappers import config_value
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.shards import whole
from uegr.modeling.task_kinds.detection import is_one_target_per_example
from uegr.modeling.token_lookups import LookedUpTokens
from uegr.perturb.edited_row import EditedRow
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.token_words import TokenWords
from uegr.perturb.views import View

logger = logging.getLogger("uegr")
SPAN_LABELS = ("start_positions", "end_positions")
"""Names of the labels of question answering."""
OTHER_TEXT = "decoder_"
"""Start of the names of an encoder-decoder's inputs for the target text, which is not edited."""


@dataclass(frozen=True)
class ViewedBatch:
    """The batch that a pass reads.

    Args:
        batch: the edited batch; its labels are those of the original.
        source: for each token the position of the original token that it stands for, (B, T'); None: nothing was edited.
        kept: 1 where a token is the original token itself, 0 where it was edited, (B, T', 1), float32; None: nothing
            was edited.
    """

    batch: Batch
    source: Tensor | None = None
    kept: Tensor | None = None

    def delta_at_kept_tokens(self, delta: Tensor) -> Tensor:
        """A perturbation (B, T, d) of the original tokens at the tokens of this batch, (B, T', d); 0 where edited."""
        if self.source is None or self.kept is None:
            return delta
        return delta.gather(1, self.source.unsqueeze(-1).expand(-1, -1, delta.shape[-1])) * self.kept


class ViewReader:
    """Makes views of batches.

    Args:
        model: gives the largest number of tokens of a text, and the kind of its labels.
        tokenizer: the model's fast tokenizer.

    Raises:
        UsageError: texts cannot be edited with this tokenizer.
    """

    def __init__(self, model: nn.Module, tokenizer: Any) -> None:
        self._model, self._editor = model, RowEditor(tokenizer, longest_input(model))
        self._labels_of_inputs = not config_value(model, "is_encoder_decoder", False)
        self._pads_left = tokenizer.padding_side == "left"
        # A decoder finds the end of a text by the padding token of its own configuration.
        pad_ids = (config_value(model, "pad_token_id"), tokenizer.pad_token_id)
        self._pad_id: int = next((pad for pad in pad_ids if isinstance(pad, int) and pad >= 0), 0)

    @property
    def token_words(self) -> TokenWords:
        """Finds the words in token ids."""
        return self._editor.token_words

    def read(self, batch: Batch, view: View, seed: int, weights: Tensor | None = None) -> ViewedBatch:
        """The view of a batch.

        Args:
            batch: with "input_ids" (B, T); its labels, if any, stay.
            view: its edits; whether it is adversarial does not matter here.
            seed: of the edits.
            weights: how much the loss depends on each token, (B, T); None: words are drawn uniformly.

        Raises:
            UsageError: the batch has labels of tokens, or tensors per token that cannot follow an edit.
        """
        if not view.edits:
            return ViewedBatch(batch)
        if (reason := self._why_not(batch)) is not None:
            raise UsageError(reason)
        generator = random.Random(seed)
        positions = _positions(batch)
        ids, per_token = batch["input_ids"].tolist(), None if weights is None else weights.tolist()
        rows = []
        for i, places in enumerate(positions):
            row_weights = None if per_token is None else [per_token[i][place] for place in places]
            rows.append(self._editor.edit([ids[i][place] for place in places], view.edits, generator, row_weights))
        return self._assembled(batch, rows, positions)

    def _assembled(self, batch: Batch, rows: Sequence[EditedRow], positions: Sequence[Sequence[int]]) -> ViewedBatch:
        """The edited rows as a batch; every tensor per token follows its tokens.

        They are padded on the side of the original; where that has no padding, on the side of the tokenizer.
        """
        original: Tensor = batch["input_ids"]
        length = max(1, *(len(row.ids) for row in rows))  # at least one position, where all texts are padding
        is_padded = any(len(places) < original.shape[1] for places in positions)
        pads_left = any(places[0] > 0 for places in positions if places) if is_padded else self._pads_left
        ids = torch.full((len(rows), length), self._pad_id, dtype=original.dtype)
        source = torch.zeros((len(rows), length), dtype=torch.long)
        real, kept = torch.zeros((len(rows), length), dtype=torch.long), torch.zeros((len(rows), length, 1))
        for i, (row, places) in enumerate(zip(rows, positions, strict=True)):
            start = length - len(row.ids) if pads_left else 0
            span = slice(start, start + len(row.ids))
            ids[i, span], real[i, span] = torch.tensor(row.ids, dtype=ids.dtype), 1
            source[i, span] = torch.tensor([places[index] for index in row.source])
            kept[i, span, 0] = torch.tensor(row.kept, dtype=torch.float32)
        ids, source, real, kept = (values.to(original.device) for values in (ids, source, real, kept))
        edited: dict[str, Any] = {**batch, "input_ids": ids}
        for name, values in batch.items():
            of_other_text = name in ("input_ids", "labels") or name.startswith(OTHER_TEXT)
            if not of_other_text and isinstance(values, Tensor) and values.shape == original.shape:
                followed = values.gather(1, source)
                edited[name] = torch.where(real.bool(), followed, torch.zeros_like(followed))
        if "attention_mask" not in batch:
            edited["attention_mask"] = real
        return ViewedBatch(edited, source, kept)

    def can_edit(self, batch: Batch) -> bool:
        """Whether the texts can be edited, and each text has a target that stays valid after an edit."""
        labels = batch.get("labels")
        per_text = isinstance(labels, Tensor) and (labels.dim() == 1 or is_one_target_per_example(self._model, labels))
        return per_text and self._why_not(batch) is None

    def _why_not(self, batch: Batch) -> str | None:
        """Why the batch cannot be edited, and what to do; None if it can."""
        ids, mask = batch.get("input_ids"), batch.get("attention_mask")
        if isinstance(batch, LookedUpTokens) or not isinstance(ids, Tensor) or ids.dim() != 2:
            return "a text view needs a batch with one text per row in its input_ids, a tensor: choose other views."
        if isinstance(mask, Tensor) and mask.shape != ids.shape:
            return (
                f"a text view cannot follow an attention_mask of shape {tuple(mask.shape)}: give one number per token, "
                "or choose other views."
            )
        labels = batch.get("labels", batch.get("completion_mask"))
        per_token = isinstance(labels, Tensor) and labels.shape == ids.shape
        per_token = per_token and not is_one_target_per_example(self._model, labels)
        spans = any(name in batch for name in SPAN_LABELS)
        if spans or (self._labels_of_inputs and per_token and ids.shape[1] > 1):
            labelled = "labels that are positions" if spans else "a label per token"
            return (
                f"this batch has {labelled}, and a text view changes the number of tokens: choose "
                "views=('adversarial',) for uegr, and views=('clean',) for other methods."
            )
        if "position_ids" in batch:
            return "a text view cannot follow the batch's position_ids: leave them to the model."
        deep = (name for name, values in batch.items() if isinstance(values, Tensor) and values.dim() > 2)
        wide = next((name for name in deep if batch[name].shape[:2] == ids.shape), None)
        return wide and f"a text view cannot follow the batch's {wide}, several numbers per token: choose other views."


def view_reader_of(options: ViewOptions, model: nn.Module, tokenizer: Any) -> ViewReader | None:
    """The reader for the edited views of a method.

    None if the method edits no texts, or if only its default views do and the tokenizer does not allow it.

    Args:
        options: of the method.
        model, tokenizer: see `ViewReader`; None if there is no tokenizer.

    Raises:
        UsageError: the options name an edited view, and texts cannot be edited with this tokenizer.
    """
    if tokenizer is None or not any(view.edits for view in options.parsed_views()):
        return None
    try:
        return ViewReader(model, tokenizer)
    except UsageError as error:
        if options.written_views(editable=False) == options.views:
            raise
        logger.warning("no view edits texts, although the default would: %s", error)
        return None


def token_importance(model: nn.Module, batch: Batch, gradient: Tensor) -> Tensor:
    """|g . e| of each token, (B, T): to first order, the change of the loss if the token's embedding were zero.

    Args:
        model: gives the token embeddings e.
        batch: with the "input_ids" (B, T) at which the gradient was computed.
        gradient: of the loss at the token embeddings, (B, T, d).
    """
    weight: Any = input_embeddings(model).weight
    embedded = whole(weight.detach())[batch["input_ids"]]
    importance: Tensor = (gradient * embedded.to(gradient.dtype)).sum(dim=-1).abs()
    return importance * token_mask(batch).squeeze(-1)


def _positions(batch: Batch) -> list[list[int]]:
    """The positions of the real tokens of each row."""
    return [torch.nonzero(row).squeeze(-1).tolist() for row in token_mask(batch).squeeze(-1).cpu()]
