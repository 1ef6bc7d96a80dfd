"""Harmless words before or after a text: a greeting, a thank-you, a remark that says nothing about its class."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import Perturbation

BEFORE = ("Hello,", "Hi there!", "Good morning.", "By the way,", "Just a quick note:", "FYI:", "OK so", "To be clear:")
AFTER = (
    "Thanks in advance.",
    "Have a nice day.",
    "Regards",
    "Let me know.",
    "That is all.",
    "Thank you!",
    "ok",
    "see you",
)
MOST_PHRASES = 3
"""Number of phrases at rate 1."""


class HarmlessWords(Perturbation):
    """One to three phrases, more at a higher rate, before or after the text."""

    name: ClassVar[str] = "harmless"

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        for _ in range(max(1, round(MOST_PHRASES * rate))):
            if generator.random() < 0.5:
                text = f"{generator.choice(BEFORE)} {text}"
            else:
                text = f"{text} {generator.choice(AFTER)}"
        return text
