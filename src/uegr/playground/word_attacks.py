"""An attack on one text, change by change, with the answers of all models after each."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from uegr.errors import unknown
from uegr.evaluation.attacks.attack_registry import TEXT_ATTACKS
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.evaluation.attacks.perturbation_attack import PerturbationAttack
from uegr.evaluation.attacks.text_search import search_rounds, with_ending
from uegr.evaluation.sentence_encoder import load_encoder
from uegr.evaluation.truncated_texts import read_and_rest
from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS
from uegr.playground.playground_models import Answer, PlaygroundModels

WORD_ATTACKS: dict[str, type[GreedyAttack]] = {
    name: kind
    for name, kind in TEXT_ATTACKS.items()
    if issubclass(kind, GreedyAttack)
    and (not issubclass(kind, PerturbationAttack) or isinstance(PERTURBATIONS[name], WordPerturbation))
}
"""The attacks that change one word after the other, by name."""


@dataclass(frozen=True)
class AttackStep:
    """A change that the attack keeps.

    Args:
        texts: the texts of the example, with this change and those before it.
        answers: the answer of each model to these texts.
        flipped: for each model, whether its class differs from its class for the original text.
    """

    texts: Texts
    answers: list[Answer]
    flipped: list[bool]


def word_attack(name: str, max_share: float, seed: int) -> GreedyAttack:
    """Return an attack that changes one word after the other.

    Args:
        name: a key of `WORD_ATTACKS`.
        max_share: maximum share of the words that are changed, in (0, 1].
        seed: random seed.

    Raises:
        UsageError: there is no such attack.
    """
    if name not in WORD_ATTACKS:
        raise unknown("attack by words", name, WORD_ATTACKS)
    kind = WORD_ATTACKS[name]
    if issubclass(kind, PerturbationAttack):
        return kind(seed=seed, max_share=max_share, search_by="greedy")
    return kind(seed=seed, max_share=max_share)


def attack_steps(models: PlaygroundModels, texts: Texts, attack: GreedyAttack, aim: int) -> Iterator[AttackStep]:
    """Attack one example until the attacked model changes its class, or no further change is allowed.

    Args:
        models: the models that answer after each change.
        texts: the texts of the example; the last one is changed.
        attack: the search. It changes the same words as `uegr attack` with this text alone.
        aim: index of the attacked model.
    """
    original = models.answers(texts)
    target = models.classifiers[aim]
    label = target.names.index(original[aim].label)
    kept: list[Texts] = []
    [(read, rest)] = read_and_rest(target.evaluated, [texts]) if attack.goes_by_words else [(texts, "")]

    def keep(changed: Texts) -> None:
        kept.append((*changed[:-1], changed[-1] + rest))

    search = with_ending(rest, attack.search(read, label, random.Random(f"{attack.seed}:0"), keep))
    for _ in search_rounds(target.evaluated, {0: search}, load_encoder() if attack.similarity else None):
        for changed in kept:
            answers = models.answers(changed)
            pairs = zip(answers, original, strict=True)
            yield AttackStep(changed, answers, [after.label != before.label for after, before in pairs])
        kept.clear()
