"""The label-free stage before fine-tuning: a model learns to represent misspelt words like the correct ones. [ours]

A frozen copy of the model reads the clean sentence, the student an edited one. With h_u the mean of the last hidden
states of a word u's tokens, in the student (s) and the copy (t), and w_u = 4 for an edited word, 0 for a deleted one,
and 1 for any other token or word:

    L = sum_u w_u (1 - cos(h_u^s, h_u^t)) / sum_u w_u + (1 - cos of the pooled states) + (1 - cos of the first states)

A causal language model learns the copy's next-token distribution after each word instead: the sum over u of
w_u KL(p_t(. | up to u) | p_s(. | up to u)), over sum_u w_u.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

from uegr.forward.view_reader import ViewReader
from uegr.modeling.attention_kernel import faster_attention
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.task_kinds.detection import predicts_the_next_token
from uegr.perturb.views import View
from uegr.training.safe_trainer import SafeTrainerMixin

EDITED_WEIGHT = 4.0


@dataclass(frozen=True)
class Units:
    """The units of a batch: its words, and any other token by itself. An edited text has the units of the clean text.

    Args:
        units: for each token the number of its unit within its row, (B, T).
        real: 1 on real tokens, (B, T).
        count: U, the largest number of units of a row.
    """

    units: Tensor
    real: Tensor
    count: int

    def any_of(self, marked: Tensor) -> Tensor:
        """Whether a real token of each unit is marked, (B, U)."""
        zeros = torch.zeros(len(self.units), self.count, device=self.units.device)
        return zeros.scatter_reduce(1, self.units, self.real * marked, "amax")

    def present(self) -> Tensor:
        """Whether each unit has a token, (B, U): a deleted word has none."""
        return self.any_of(torch.ones_like(self.real))

    def means(self, states: Tensor) -> Tensor:
        """The mean state of each unit's tokens, (B, U, d)."""
        sums = torch.zeros(len(states), self.count, states.shape[-1], device=states.device, dtype=states.dtype)
        places = self.units.unsqueeze(-1).expand_as(states)
        sums = sums.scatter_add(1, places, states * self.real.unsqueeze(-1).to(states.dtype))
        sizes = torch.zeros(len(states), self.count, device=states.device).scatter_add(1, self.units, self.real)
        return sums / sizes.clamp_min(1.0).unsqueeze(-1)

    def at_last(self, values: Tensor) -> Tensor:
        """The values at the last token of each unit, (B, U, V)."""
        positions = torch.arange(self.units.shape[1], device=self.units.device).expand_as(self.units) * self.real.long()
        last = torch.zeros(len(self.units), self.count, device=self.units.device, dtype=torch.long)
        last = last.scatter_reduce(1, self.units, positions, "amax")
        return values.gather(1, last.unsqueeze(-1).expand(-1, -1, values.shape[-1]))

    def mean(self, states: Tensor) -> Tensor:
        """The mean state of all tokens, (B, d)."""
        return (states * self.real.unsqueeze(-1)).sum(1) / self.real.sum(1, keepdim=True).clamp_min(1.0)

    def first(self, states: Tensor) -> Tensor:
        """The state of the first token, (B, d)."""
        return states[torch.arange(len(states), device=states.device), self.real.argmax(dim=1)]


class Hardening:
    """The loss of the stage.

    Args:
        model: an encoder, an encoder-decoder model, whose encoder is trained, or a causal model, with or without a
            head; a head stays as it is.
        tokenizer: of the model, a fast one.
        edits: of the student's texts.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, edits: View) -> None:
        self.reader, self.edits = ViewReader(model, tokenizer), edits
        self.is_language_model = predicts_the_next_token(model)
        self.teacher = copy.deepcopy(model).eval().requires_grad_(False)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], seed: int) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            model: the student. It is run in eval mode, without dropout, like the copy.
            batch: input_ids and attention_mask, (B, T).
            seed: of the edits.
        """
        model.eval()
        self.teacher.to(batch["input_ids"].device)
        read = self.reader.read(batch, self.edits, seed)
        units = self._units(batch)
        count = int(units.max()) + 1
        clean = Units(units, token_mask(batch).squeeze(-1), count)
        edited_units = units if read.source is None else units.gather(1, read.source)
        edited = Units(edited_units, token_mask(read.batch).squeeze(-1), count)
        weights = clean.present() * edited.present()
        if read.kept is not None:
            weights = weights * (1.0 + (EDITED_WEIGHT - 1.0) * edited.any_of(1.0 - read.kept.squeeze(-1)))
        loss = self._language_model_loss if self.is_language_model else self._encoder_loss
        return loss(model, batch, read.batch, clean, edited, weights)

    def _encoder_loss(
        self, model: nn.Module, batch: Any, edited_batch: Any, clean: Units, edited: Units, weights: Tensor
    ) -> Tensor:
        with torch.no_grad():
            target = self._states(self.teacher, batch)
        states = self._states(model, edited_batch)
        words = _distance(edited.means(states), clean.means(target))
        pooled = _distance(edited.mean(states), clean.mean(target)).mean()
        first = _distance(edited.first(states), clean.first(target)).mean()
        return (weights * words).sum() / weights.sum() + pooled + first

    def _language_model_loss(
        self, model: nn.Module, batch: Any, edited_batch: Any, clean: Units, edited: Units, weights: Tensor
    ) -> Tensor:
        with torch.no_grad():
            target = clean.at_last(self.teacher(**batch).logits).float().log_softmax(-1)
        with faster_attention(model):
            predicted = edited.at_last(model(**edited_batch).logits).float().log_softmax(-1)
        divergence = (target.exp() * (target - predicted)).sum(-1)
        return (weights * divergence).sum() / weights.sum()

    def _units(self, batch: dict[str, Tensor]) -> Tensor:
        """For each token the number of its unit within its row, (B, T)."""
        units = []
        for ids in batch["input_ids"].tolist():
            first = [True] * len(ids)
            for word in self.reader.token_words.words(ids):
                first[word.start + 1 : word.end] = [False] * (word.end - word.start - 1)
            units.append(torch.tensor(first).long().cumsum(0) - 1)
        return torch.stack(units).to(batch["input_ids"].device)

    @staticmethod
    def _states(model: nn.Module, batch: Any) -> Tensor:
        """The last hidden states of the body, (B, T, d)."""
        inner: Any = model
        body = inner.get_encoder() if inner.config.is_encoder_decoder else inner.base_model
        with faster_attention(body):
            states: Tensor = body(**batch).last_hidden_state
        return states


class HardeningTrainer(SafeTrainerMixin, Trainer):
    """Trains a model with the loss of `Hardening`; the edits of a batch are a function of seed, step and its tokens."""

    def __init__(self, *args: Any, hardening: Hardening, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hardening = hardening

    def compute_loss(
        self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        # The sum of the tokens tells the batches of an accumulated step apart.
        position = [self.args.seed, self.state.global_step, int(inputs["input_ids"].sum())]
        seed = int(np.random.SeedSequence(position).generate_state(1)[0])
        with self.accelerator.autocast():  # for the copy, too
            loss = self.hardening.loss(model, inputs, seed)
        return (loss, None) if return_outputs else loss


def _distance(left: Tensor, right: Tensor) -> Tensor:
    """1 - cos."""
    return 1.0 - F.cosine_similarity(left.float(), right.float(), dim=-1)
