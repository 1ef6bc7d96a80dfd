"""Transfer: perturbations that are made on another model, tried on this one.

They do not use this model's gradients. If they fool it more often than an attack with its gradients, the gradients are
misleading.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack, Queries
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_data import class_names
from uegr.evaluation.model_state import evaluation_mode
from uegr.modeling.checkpoint_head import are_unnamed
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_wrappers import config_value
from uegr.perturb.projected_ascent import ProjectedAscent

SOURCE = "--source (in Python: attacks.Transfer(source=model))"


@dataclass(frozen=True)
class Transfer(EmbeddingAttack):
    """PGD on the source; the attacked model sees only the last point of each restart. Only its own queries count.

    Args, in addition to those of every attack:
        source: a model with the same tokens and the same width of embedding, but other weights.
    """

    steps: int = 10
    source: EvaluatedModel | nn.Module | None = None

    name: ClassVar[str] = "transfer"
    uses_gradients: ClassVar[bool] = False

    def prepare(self) -> None:
        if self.source is None:
            raise UsageError(
                f"a transfer attack needs another run to make its perturbations on: name it with {SOURCE}."
            )

    def options(self) -> dict[str, Any]:
        model = self.source.model if isinstance(self.source, EvaluatedModel) else self.source
        name = getattr(model, "name_or_path", type(model).__name__)
        return {**super().options(), "source": None if model is None else Path(str(name)).name}

    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        source = self._source(attack_batch.evaluated)
        on_source = replace(attack_batch, evaluated=source, queries=Queries())
        with evaluation_mode(source.model):
            delta = ProjectedAscent(attack_batch.ball, self.steps).perturb(
                lambda delta: on_source.differentiate(delta, "ce")[2], attack_batch.radius, attack_batch.mask, start
            )
        return attack_batch.is_correct(attack_batch.logits(delta))

    def _source(self, evaluated: EvaluatedModel) -> EvaluatedModel:
        self.prepare()
        assert self.source is not None
        source = self.source if isinstance(self.source, EvaluatedModel) else EvaluatedModel(self.source)
        shapes = [torch.as_tensor(input_embeddings(model.model).weight).shape for model in (source, evaluated)]
        tokenizers = [model.tokenizer for model in (source, evaluated) if model.tokenizer is not None]
        if shapes[0] != shapes[1] or any(t.get_vocab() != tokenizers[0].get_vocab() for t in tokenizers[1:]):
            raise UsageError(
                "the source of a transfer attack must have the tokenizer and the embedding width of the attacked "
                f"model: name another run with {SOURCE}."
            )
        if not _same_classes(source.model, evaluated.model):
            raise UsageError(
                "the source of a transfer attack must have the classes of the attacked model in the same order: name "
                f"another run with {SOURCE}."
            )
        return source


def _same_classes(source: nn.Module, target: nn.Module) -> bool:
    """Whether the labels of two models mean the same, as far as their configurations say."""
    settings = [config_value(model, "num_labels") for model in (source, target)]
    counts = [number for number in settings if isinstance(number, int)]
    if len(counts) < 2:
        return True
    names = [class_names(model, count) for model, count in zip((source, target), counts, strict=True)]
    return counts[0] == counts[1] and (names[0] == names[1] or any(map(are_unnamed, names)))
