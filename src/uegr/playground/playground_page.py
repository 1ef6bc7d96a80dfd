"""The page of the playground. Texts and class names go only to components that show them as text, never as markup."""

import json
import time
from collections.abc import Iterator
from textwrap import shorten
from typing import Any

import gradio as gr

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.perturb.perturbation_registry import PERTURBATIONS
from uegr.playground.changed_views import ChangedView, attack_views, perturbed_view
from uegr.playground.playground_models import PlaygroundModels
from uegr.playground.text_changes import CHANGED, DELETED
from uegr.playground.word_attacks import WORD_ATTACKS

PAUSE = 0.6
"""Seconds between two changes of an attack, so that a person can follow them."""
SHOWN_CLASSES = 5
"""Number of classes that are shown of a model: the most probable ones."""
COLOURS = {CHANGED: "#f59e0b", DELETED: "#ef4444"}
EVENT: dict[str, Any] = {
    "concurrency_id": "models",
    "concurrency_limit": 1,
    "api_visibility": "private",
    "show_progress": "hidden",
}
"""The models work for one event at a time, and the page has no public API."""
LATEST: dict[str, Any] = {**EVENT, "trigger_mode": "always_last"}
"""While a user types or moves a slider, only the last of the waiting events is handled."""
Values = list[Any]
"""The values of some components, in order."""


def build_page(models: PlaygroundModels, examples: list[tuple[Texts, str]]) -> gr.Blocks:
    """Build the page.

    Args:
        models: the models that answer.
        examples: example texts, each with its true class; see `draw_examples`.
    """
    handlers = _Handlers(models)
    with gr.Blocks(title="uegr playground", analytics_enabled=False) as page:
        with gr.Row():
            with gr.Column():
                boxes = [
                    gr.Textbox(label=name, lines=3, elem_id=f"text-{i}", placeholder="Type a text.")
                    for i, name in enumerate(models.text_columns)
                ]
                with gr.Group():
                    perturbation = gr.Dropdown(list(PERTURBATIONS), value="typos", label="Perturbation")
                    rate = gr.Slider(0.05, 1.0, 0.3, step=0.05, label="Probability of a change per word or place")
                    perturb_button = gr.Button("Perturb", elem_id="perturb")
                with gr.Group():
                    attack = gr.Dropdown(list(WORD_ATTACKS), value="deepwordbug", label="Attack")
                    share = gr.Slider(0.1, 1.0, 0.3, step=0.1, label="Share of the words that may change")
                    choices = [(name, i) for i, name in enumerate(models.names)]
                    aim = gr.Radio(choices, value=0, label="Model that is attacked", visible=len(choices) > 1)
                    with gr.Row():
                        attack_button = gr.Button("Attack", variant="primary", elem_id="attack")
                        stop_button = gr.Button("Stop", elem_id="stop")
                seed = gr.Slider(0, 20, 0, step=1, label="Seed of both")
            with gr.Column():
                with gr.Row():
                    answers = [_answer_box(name, f"answer-{i}") for i, name in enumerate(models.names)]
                marked = gr.HighlightedText(
                    label="Changed text",
                    color_map=COLOURS,
                    show_legend=True,
                    show_inline_category=False,
                    elem_id="changed-text",
                )
                with gr.Row():
                    changed_answers = [
                        _answer_box(f"{name}, changed text", f"changed-answer-{i}")
                        for i, name in enumerate(models.names)
                    ]
                result = gr.Textbox(label="Result", lines=3, interactive=False, elem_id="result")
        if examples:
            _example_buttons(examples, boxes)

        changed = [marked, *changed_answers, result]
        attacking = attack_button.click(handlers.attack, [attack, share, seed, aim, *boxes], changed, **EVENT)
        stop_button.click(None, cancels=[attacking], api_visibility="private")
        perturbing = [perturbation.change, rate.change, seed.change, perturb_button.click]
        gr.on(perturbing, handlers.perturb, [perturbation, rate, seed, *boxes], changed, **LATEST, cancels=[attacking])
        typing = [box.change for box in boxes]
        gr.on(typing, handlers.answer, boxes, answers, **LATEST)
        # In the browser, at once: a clearing that waited for the models could stop an attack on the new text.
        clear = f"() => {json.dumps(handlers.nothing())}"
        gr.on(typing, None, None, changed, js=clear, cancels=[attacking], api_visibility="private")
    return page


def _answer_box(name: str, identifier: str) -> gr.Label:
    return gr.Label(label=name, num_top_classes=SHOWN_CLASSES, elem_id=identifier)


def _example_buttons(examples: list[tuple[Texts, str]], boxes: list[gr.Textbox]) -> None:
    gr.Examples(
        [list(texts) for texts, _ in examples],
        boxes,
        example_labels=[shorten(f"{label}: {' / '.join(texts)}", 60, placeholder=" ...") for texts, label in examples],
        label="Test data, with the true class",
        cache_examples=False,
        api_visibility="private",
    )


class _Handlers:
    """The handlers of the page's events; each returns the new values of the components that it changes."""

    def __init__(self, models: PlaygroundModels) -> None:
        self.models = models
        self.no_answers: Values = [{} for _ in models.classifiers]

    def answer(self, *texts: str) -> Values:
        """The answers to a new text."""
        return self.no_answers if _is_empty(texts) else [answer.probabilities for answer in self.models.answers(texts)]

    def perturb(self, name: str, rate: float, seed: float, *texts: str) -> Values:
        """A perturbed text and the answers to it."""
        if _is_empty(texts):
            return self.nothing("Type a text first.")
        try:
            return _values(perturbed_view(self.models, texts, name, rate, int(seed)))
        except UsageError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def attack(self, name: str, share: float, seed: float, aim: int, *texts: str) -> Iterator[Values]:
        """The text after each change of an attack and the answers to it."""
        if _is_empty(texts):
            yield self.nothing("Type a text first.")
            return
        try:
            for view in attack_views(self.models, texts, name, share, int(seed), aim):
                yield _values(view)
                time.sleep(PAUSE)
        except UsageError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def nothing(self, result: str = "") -> Values:
        """No changed text, and perhaps the reason."""
        return [[], *self.no_answers, result]


def _is_empty(texts: Texts) -> bool:
    return not texts[-1].strip()


def _values(view: ChangedView) -> Values:
    return [view.pieces, *(answer.probabilities for answer in view.answers), view.result]
