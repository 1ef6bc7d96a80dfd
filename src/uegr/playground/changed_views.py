"""What the page shows of a changed text: the text with its changed words marked, the models' answers, the result."""

from collections.abc import Iterator
from dataclasses import dataclass

from uegr.evaluation.attacks.attack_results import Texts
from uegr.playground.playground_models import Answer, PlaygroundModels
from uegr.playground.text_changes import Piece, mark_words, perturb
from uegr.playground.word_attacks import AttackStep, attack_steps, word_attack


@dataclass(frozen=True)
class ChangedView:
    """What is shown of a changed text.

    Args:
        pieces: the text, with the changed words marked.
        answers: the answer of each model to the changed text.
        result: which models change their class, in words.
    """

    pieces: list[Piece]
    answers: list[Answer]
    result: str


def perturbed_view(models: PlaygroundModels, texts: Texts, name: str, rate: float, seed: int) -> ChangedView:
    """Perturb a text; the arguments are those of `perturb`."""
    changed = perturb(texts, name, rate, seed)
    before, after = models.answers(texts), models.answers(changed)
    note = f"{name} has changed nothing.\n" if changed == tuple(texts) else ""
    return ChangedView(mark_words(texts[-1], changed[-1]), after, note + models.compare(before, after))


def attack_views(
    models: PlaygroundModels, texts: Texts, name: str, max_share: float, seed: int, aim: int
) -> Iterator[ChangedView]:
    """Attack a text; yield a view of the text itself, one after each change, and one that says how the attack ended.

    Args:
        models: the models that answer after each change.
        texts: the texts of the example; the last one is changed.
        name, max_share, seed: see `word_attack`.
        aim: index of the attacked model.
    """
    attack, original = word_attack(name, max_share, seed), models.answers(texts)
    target = models.names[aim]

    def view(changed: Texts, answers: list[Answer], result: str) -> ChangedView:
        pieces = mark_words(texts[-1], changed[-1])
        return ChangedView(pieces, answers, f"{result}\n{models.compare(original, answers)}")

    changes, last = 0, AttackStep(texts, original, [False] * len(original))
    yield view(texts, original, f"Attack on {target}, changes: 0")
    for changes, last in enumerate(attack_steps(models, texts, attack, aim), start=1):
        yield view(last.texts, last.answers, f"Attack on {target}, changes: {changes}")
    end = "fooled" if last.flipped[aim] else "not fooled, and the attack has ended"
    yield view(last.texts, last.answers, f"{target} is {end}, changes: {changes}")
