"""The attacks that have a name."""

from __future__ import annotations

from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.attacks.typing_errors import TypingErrors

TEXT_ATTACKS: dict[str, type[TextAttack]] = {one.name: one for one in (TypingErrors, DeepWordBug, SynonymSwap)}
EMBEDDING_ATTACKS: dict[str, type[EmbeddingAttack]] = {one.name: one for one in (PGD, AutoPGD, RandomSearch, Transfer)}
WHITE_BOX = (PGD.name, AutoPGD.name)
"""Those that see the model's gradients; the others on embeddings serve to catch a model that hides them."""
