"""What the page shows of a changed text: its words, of which the changed ones are marked, the answers, the result."""

from collections.abc import Iterator
from dataclasses import dataclass

from uegr.evaluation.attacks.attack_results import Texts
from uegr.playground.attack_steps import attack_steps, word_attack
from uegr.playground.played_models import Answer, PlayedModels
from uegr.playground.text_changes import Piece, mark_words, perturb


@dataclass(frozen=True)
class ChangedView:
    """What is shown of a changed text.

    Args:
        pieces: the text, with the changed words marked.
        answers: what each model says about it.
        result: what that means, in words.
    """

    pieces: list[Piece]
    answers: list[Answer]
    result: str


def perturbed_view(models: PlayedModels, texts: Texts, name: str, rate: float, seed: int) -> ChangedView:
    """Perturb a text; the arguments are those of `perturb`."""
    changed = perturb(texts, name, rate, seed)
    before, after = models.answers(texts), models.answers(changed)
    return ChangedView(mark_words(texts[-1], changed[-1]), after, models.compare(before, after))


def attack_views(
    models: PlayedModels, texts: Texts, name: str, max_share: float, seed: int, aim: int
) -> Iterator[ChangedView]:
    """Attack a text; a view after each change, and at last one that says how the attack ended.

    Args:
        models: all of them answer after each change.
        texts: of the example; the last one is changed.
        name, max_share, seed: of the attack, see `word_attack`.
        aim: index of the model that is attacked.
    """
    attack, before = word_attack(name, max_share, seed), models.answers(texts)
    target = models.names[aim]
    pieces, answers, count, fooled = mark_words(texts[-1], texts[-1]), before, 0, False
    for count, step in enumerate(attack_steps(models, texts, attack, aim), 1):
        pieces, answers, fooled = mark_words(texts[-1], step.texts[-1]), step.answers, step.flipped[aim]
        yield ChangedView(pieces, answers, f"Attack on {target}, changes: {count}\n{models.compare(before, answers)}")
    end = f"{target} is {'fooled' if fooled else 'not fooled, and the attack has ended'}, changes: {count}"
    yield ChangedView(pieces, answers, f"{end}\n{models.compare(before, answers)}")
