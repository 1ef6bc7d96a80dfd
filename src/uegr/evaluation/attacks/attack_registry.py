"""The attacks by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

from uegr.errors import UsageError, shown, unknown
from uegr.evaluation.attacks.attack_base import no_effect
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
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.options import check_value, type_hints
from uegr.perturb.perturbation_registry import GROUPS

Attack: TypeAlias = TextAttack | EmbeddingAttack
Named = TypeVar("Named")

TEXT_ATTACKS: dict[str, type[TextAttack]] = {
    kind.name: kind for kind in (DeepWordBug, PublishedDeepWordBug, SynonymSwap, PublishedTextFooler, Deletion)
}
TEXT_ATTACKS |= PERTURBATION_ATTACKS
EMBEDDING_ATTACKS: dict[str, type[EmbeddingAttack]] = {
    kind.name: kind for kind in (PGD, AutoPGD, RandomSearch, Transfer)
}


def attack_name(name: str) -> str:
    """The name of an attack, in which hyphens and underscores are equal, with hyphens."""
    return name if name.startswith("textattack:") else name.replace("_", "-")


def without_groups(attacks: Iterable[Named]) -> list[Named | str]:
    """The attacks with the members of each group, such as "obfuscation", in place of its name."""
    members: list[Named | str] = []
    for attack in attacks:
        members += GROUPS.get(attack_name(attack), (attack,)) if isinstance(attack, str) else (attack,)
    return members


def check_named_once(names: Sequence[str]) -> None:
    """Raise a UsageError if two attacks have the same name."""
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UsageError(f"'{repeated}' is named twice, by itself or by a group: name it once.")


def attack_class(name: str) -> type[Attack]:
    """The class of a named attack; hyphens and underscores are equal."""
    classes: dict[str, type[Attack]] = {**TEXT_ATTACKS, **EMBEDDING_ATTACKS}
    if attack_name(name) not in classes:
        raise unknown("attack", name, [*classes, *GROUPS])
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


def create_attack(name: str, options: Mapping[str, Any], source: EvaluatedModel | None = None) -> Attack:
    """Create an attack by name.

    Args:
        name: of the attack; hyphens and underscores are equal.
        options: of several attacks, of which this one takes those that it has and that have an effect.
        source: the model on which the attack "transfer" makes its perturbations.

    Raises:
        UsageError: there is no such attack, or an option has a value of another type.
    """
    attack_type = attack_class(name)
    arguments = {option: value for option, value in options.items() if option in option_names(attack_type)}
    if attack_type is Transfer and source is not None:
        arguments["source"] = source
    hints = type_hints(attack_type)
    for option, value in arguments.items():
        check_value(option, value, hints[option])
    unused = attack_type.without_effect(arguments)
    return attack_type(**{option: value for option, value in arguments.items() if option not in unused})


def option_names(attack_class: type[Attack]) -> set[str]:
    """The options of an attack."""
    return {option.name for option in fields(attack_class)}


def check_attack_options(options: Mapping[str, Any], attacks: Sequence[Attack]) -> None:
    """Raise a UsageError where none of the attacks has one of the options, or it has no effect in any of them."""
    names = {name for attack in attacks for name in option_names(type(attack))}
    for option in options:
        if option not in names:
            raise unknown("option of these attacks", option, sorted(names - {"source"}))
        having = [attack for attack in attacks if option in option_names(type(attack))]
        reasons = [attack.without_effect(vars(attack)).get(option) for attack in having]
        if reasons[0] is not None and None not in reasons:
            raise no_effect(option, reasons[0])
