"""Attacks on a model in memory: perturbations of its embeddings in a ball, and rewritten text.

An attack on the embeddings takes a model and one batch, and returns the accuracy per epsilon:

    from uegr import attacks

    result = attacks.PGD(steps=5)(model, batch, epsilons=[0.01, 0.02, 0.05])
    result.accuracy        # one number per epsilon
    result.robust_mask     # (epsilons, examples), bool

`batch` holds "input_ids", "attention_mask" and "labels"; the model is any `nn.Module` whose forward takes what the
batch holds and returns `.logits`. Epsilon is relative to the mean norm of the model's token embeddings, unless an
attack is made with `relative=False`.

An attack on the text takes a model, its tokenizer, texts and their classes:

    result = attacks.DeepWordBug()(model, tokenizer, texts, labels)
    result.accuracy, result.success_rate, result.texts

For an attack of your own, inherit from `EmbeddingAttack` and implement `run_restart`, with `uses_gradients = False` if
it does not differentiate the model; or inherit from `TextAttack` and implement `search`. No attack changes the model:
its training flags and `requires_grad` are the same afterwards.
"""

from uegr.evaluation.attacks.attack_results import EmbeddingAttackResult, TextAttackResult
from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.deepwordbug_published import PublishedDeepWordBug
from uegr.evaluation.attacks.deletion import Deletion
from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS, PerturbationAttack
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.textfooler_published import PublishedTextFooler
from uegr.evaluation.attacks.transfer_attack import Transfer

__all__ = [
    "PGD",
    "AttackBatch",
    "AutoPGD",
    "DeepWordBug",
    "Deletion",
    "EmbeddingAttack",
    "EmbeddingAttackResult",
    "GreedyAttack",
    "PerturbationAttack",
    "PublishedDeepWordBug",
    "PublishedTextFooler",
    "RandomSearch",
    "SynonymSwap",
    "TextAttack",
    "TextAttackResult",
    "Transfer",
]
globals().update({kind.__name__: kind for kind in PERTURBATION_ATTACKS.values()})  # HomoglyphsAttack, ...
__all__ += [kind.__name__ for kind in PERTURBATION_ATTACKS.values()]  # names, from a table
