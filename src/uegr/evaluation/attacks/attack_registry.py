"""The attacks by name."""

from typing import Any, TypeAlias

from uegr.errors import UsageError, shown, unknown
from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.deepwordbug_published import PublishedDeepWordBug
from uegr.evaluation.attacks.deletion import Deletion
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.textfooler_published import PublishedTextFooler
from uegr.evaluation.attacks.transfer_attack import Transfer

Attack: TypeAlias = TextAttack | EmbeddingAttack

TEXT_ATTACKS: dict[str, type[TextAttack]] = {
    kind.name: kind for kind in (DeepWordBug, PublishedDeepWordBug, SynonymSwap, PublishedTextFooler, Deletion)
}
TEXT_ATTACKS |= PERTURBATION_ATTACKS
EMBEDDING_ATTACKS: dict[str, type[EmbeddingAttack]] = {
    kind.name: kind for kind in (PGD, AutoPGD, RandomSearch, Transfer)
}
WHITE_BOX = (PGD.name, AutoPGD.name)
"""The attacks that use gradients; the other attacks on embeddings show whether the gradients are misleading."""


def attack_name(name: str) -> str:
    """The name of an attack, in which hyphens and underscores are equal, with hyphens."""
    return name if name.startswith("textattack:") else name.replace("_", "-")


def attack_class(name: str) -> type[Attack]:
    """The class of a named attack; hyphens and underscores are equal."""
    classes: dict[str, type[Attack]] = {**TEXT_ATTACKS, **EMBEDDING_ATTACKS}
    if attack_name(name) not in classes:
        raise unknown("attack", name, classes)
    return classes[attack_name(name)]


def find_attack(attack: Any) -> Attack:
    """The attack with this name and the defaults of its options, or the attack itself.

    Raises:
        UsageError: there is no such attack, or it is neither a name nor an attack, such as the class of one.
    """
    if isinstance(attack, str):
        return attack_class(attack)()
    if not isinstance(attack, TextAttack | EmbeddingAttack):
        raise UsageError(
            f"an attack is given by its name, such as 'pgd', or made, such as attacks.PGD(), and not {shown(attack)}."
        )
    return attack
