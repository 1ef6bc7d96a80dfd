"""The label-free stage before fine-tuning: a model learns to read misspelt words as it reads the right ones. [ours]

A frozen copy of the model reads the clean sentence, the student an edited one. With h_u the mean of the last hidden
states of a word u's tokens, in the student (s) and the copy (t), and w_u = 4 for an edited word and 1 for any other
token or word:

    L = sum_u w_u (1 - cos(h_u^s, h_u^t)) / sum_u w_u + (1 - cos of the pooled states) + (1 - cos of the first states)

A causal language model learns the copy's next-token distribution after each word instead: the sum over u of
w_u KL(p_t(. | up to u) | p_s(. | up to u)), over sum_u w_u.
"""

import copy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

from uegr.forward.view_reader import ViewReader
from uegr.modeling.attention_kernel import faster_attention
from uegr.modeling.embeddings import token_mask
from uegr.perturb.views import View
from uegr.training.safe_trainer import SafeTrainerMixin

EDITED_WEIGHT = 4.0


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
        self.is_language_model = type(model).__name__.endswith(("ForCausalLM", "LMHeadModel"))
        self.teacher = copy.deepcopy(model).eval().requires_grad_(False)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], seed: int) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            model: the student. It is run in eval mode: without dropout, as the copy.
            batch: input_ids and attention_mask, (B, T).
            seed: of the edits.
        """
        model.eval()
        self.teacher.to(batch["input_ids"].device)
        read = self.reader.read(batch, self.edits, seed)
        units = self._units(batch)
        edited_units = units if read.source is None else units.gather(1, read.source)
        count = int(units.max()) + 1
        real, edited_real = token_mask(batch).squeeze(-1), token_mask(read.batch).squeeze(-1)
        changed = torch.zeros(len(units), count, device=units.device)
        if read.kept is not None:
            changed.scatter_reduce_(1, edited_units, edited_real * (1.0 - read.kept.squeeze(-1)), "amax")
        there, edited_there = _present(units, real, count), _present(edited_units, edited_real, count)
        weights = (1.0 + (EDITED_WEIGHT - 1.0) * changed) * there * edited_there
        if self.is_language_model:
            with torch.no_grad():
                target = _at_last(self.teacher(**batch).logits, units, real, count).float().log_softmax(-1)
            with faster_attention(model):
                predicted = _at_last(model(**read.batch).logits, edited_units, edited_real, count).float()
            divergence = (target.exp() * (target - predicted.log_softmax(-1))).sum(-1)
            return (weights * divergence).sum() / weights.sum()
        with torch.no_grad():
            clean = self._states(self.teacher, batch)
        edited = self._states(model, read.batch)
        word_distance = _distance(_means(edited, edited_units, edited_real, count), _means(clean, units, real, count))
        pooled = _distance(_mean(edited, edited_real), _mean(clean, real)).mean()
        first = _distance(_first(edited, edited_real), _first(clean, real)).mean()
        return (weights * word_distance).sum() / weights.sum() + pooled + first

    def _units(self, batch: dict[str, Tensor]) -> Tensor:
        """For each token the number of its word within its row, (B, T); any other token is a unit of its own."""
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
    """Trains a model with the loss of `Hardening`; the edits of a step are a function of seed and step."""

    def __init__(self, *args: Any, hardening: Hardening, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hardening = hardening

    def compute_loss(
        self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        # The sum of the tokens tells the batches of an accumulated step apart.
        position = [self.args.seed, self.state.global_step, int(inputs["input_ids"].sum())]
        seed = int(np.random.SeedSequence(position).generate_state(1)[0])
        with self.accelerator.autocast():  # the copy's number format, too
            loss = self.hardening.loss(model, inputs, seed)
        return (loss, None) if return_outputs else loss


def _present(units: Tensor, real: Tensor, count: int) -> Tensor:
    """Whether each unit has a token, (B, U): a deleted word has none."""
    return torch.zeros(len(units), count, device=units.device).scatter_reduce(1, units, real, "amax")


def _means(states: Tensor, units: Tensor, real: Tensor, count: int) -> Tensor:
    """The mean state of each unit's tokens, (B, U, d)."""
    sums = torch.zeros(len(states), count, states.shape[-1], device=states.device, dtype=states.dtype)
    sums = sums.scatter_add(1, units.unsqueeze(-1).expand_as(states), states * real.unsqueeze(-1).to(states.dtype))
    sizes = torch.zeros(len(states), count, device=states.device).scatter_add(1, units, real)
    return sums / sizes.clamp_min(1.0).unsqueeze(-1)


def _at_last(values: Tensor, units: Tensor, real: Tensor, count: int) -> Tensor:
    """The values at the last token of each unit, (B, U, V)."""
    positions = torch.arange(units.shape[1], device=units.device).expand_as(units) * real.long()
    last = torch.zeros(len(units), count, device=units.device, dtype=torch.long)
    last = last.scatter_reduce(1, units, positions, "amax")
    return values.gather(1, last.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def _mean(states: Tensor, real: Tensor) -> Tensor:
    """The mean state of all tokens, (B, d)."""
    return (states * real.unsqueeze(-1)).sum(1) / real.sum(1, keepdim=True).clamp_min(1.0)


def _first(states: Tensor, real: Tensor) -> Tensor:
    """The state of the first token, (B, d)."""
    return states[torch.arange(len(states), device=states.device), real.argmax(dim=1)]


def _distance(left: Tensor, right: Tensor) -> Tensor:
    """1 - cos."""
    return 1.0 - F.cosine_similarity(left.float(), right.float(), dim=-1)
