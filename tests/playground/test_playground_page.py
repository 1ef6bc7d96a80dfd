"""The page in a real browser: what is typed, turned and pressed, and that nothing is fetched from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.browser import open_browser
from support.playground_models import models_of_page
from support.text_attacks import Opposites
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.word_attacks import WORD_ATTACKS

pytest.importorskip("gradio", reason="needs gradio: pip install 'uegr[playground]'")
pytest.importorskip("selenium", reason="needs selenium: pip install selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from uegr.playground.local_server import start_server
from uegr.playground.playground_page import build_page

CLASSES = ["<b>bad</b>", "good"]
EXAMPLE = "good great fine film <i>plot</i>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def address(evaluated: EvaluatedModel, other_evaluated: EvaluatedModel) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WORD_ATTACKS, "deepwordbug", Opposites)  # the attack that is chosen at first surely succeeds
        models = models_of_page(evaluated, other_evaluated, names=CLASSES)
        page = build_page(models, [((EXAMPLE,), "good")])
        yield start_server(page)
        page.close(verbose=False)


class Page:
    """The page that a browser shows."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get("about:blank")  # which ends the connections of the page before, and that is logged
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(address)
        self.wait(lambda: browser.find_elements(By.CSS_SELECTOR, "#text-0 textarea"))

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, 60, poll_frequency=0.05).until(lambda _: condition())

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))

    @property
    def result(self) -> str:
        return str(self.find("#result textarea").get_property("value"))

    def marked(self) -> list[str]:
        """The words that are marked as changed."""
        spans = "document.querySelectorAll('#changed-text .token.highlighted')"
        script = f"return [...{spans}].map(span => span.textContent.trim())"
        return list(self.browser.execute_script(script))

    def type(self, text: str) -> None:
        self.find("#text-0 textarea").send_keys(text)

    def press(self, name: str) -> None:
        self.find(f"#{name}").click()


@pytest.fixture
def page(browser: Any, address: str) -> Page:
    return Page(browser, address)


def test_typing_shows_what_both_models_say(page: Page, evaluated: EvaluatedModel) -> None:
    page.type("good great film")
    page.wait(lambda: "%" in page.text("#answer-0") and "%" in page.text("#answer-1"))
    page.wait(lambda: page.text("#answer-0 h2").strip() == "good")
    confidence = evaluated.probabilities_of([("good great film",)])[0].max()
    assert f"{round(100 * confidence)}%" in page.text("#answer-0")


def test_an_attack_changes_words_until_the_model_flips(page: Page) -> None:
    page.type("good great fine film")
    page.press("attack")
    seen: list[list[str]] = []

    def ended() -> bool:
        words = page.marked()
        if words and words not in seen:
            seen.append(words)
        return "is fooled" in page.result

    page.wait(ended)
    assert [len(words) for words in seen] == sorted(len(words) for words in seen) != []
    assert set(page.marked()) <= {"bad", "awful", "dull"}
    assert "model-0: good becomes <b>bad</b>" in page.result
    page.wait(lambda: page.text("#changed-answer-0 h2").strip() == "<b>bad</b>")


def test_a_perturbation_marks_words_and_a_new_text_removes_them(page: Page) -> None:
    page.type("good great fine film")
    page.wait(lambda: "%" in page.text("#answer-0"))
    page.press("perturb")
    page.wait(lambda: page.result.startswith("model-0: "))
    page.type(" and plot")
    page.wait(lambda: page.result == "")
    assert page.marked() == []


def test_stop_ends_an_attack(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uegr.playground.playground_page.PAUSE", 3.0)
    page.type("good great fine film")
    page.wait(lambda: "%" in page.text("#answer-0"))
    page.press("attack")
    page.wait(lambda: page.result.startswith("Attack on model-0, changes: 0"))
    page.press("stop")
    page.press("perturb")
    page.wait(lambda: page.result.startswith("model-0: "))
    assert "fooled" not in page.result


def test_what_cannot_be_done_is_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise UsageError("there is no list on this machine: install it.")

    monkeypatch.setattr("uegr.playground.playground_page.perturbed_view", refuse)
    page.type("good film")
    page.press("perturb")
    assert page.wait(lambda: "there is no list on this machine" in page.text("body"))


def test_an_example_fills_the_text_and_markup_stays_text(page: Page) -> None:
    (button,) = page.wait(
        lambda: [b for b in page.browser.find_elements(By.TAG_NAME, "button") if b.text.startswith("good: ")]
    )
    button.click()
    page.wait(lambda: page.find("#text-0 textarea").get_property("value") == EXAMPLE)
    page.press("attack")
    page.wait(lambda: "is fooled" in page.result)
    assert "<i>plot</i>" in page.text("#changed-text")
    for tag in ("b", "i"):
        texts = [element.text for element in page.browser.find_elements(By.TAG_NAME, tag)]
        assert not {"bad", "plot"} & set(texts)


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_complained_about(page: Page, address: str) -> None:
    page.type("good film")
    page.wait(lambda: "%" in page.text("#answer-0"))
    assert [entry["message"] for entry in page.browser.get_log("browser")] == []
    messages = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    requested = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    fetched = {url for url in requested if url.startswith(("http", "ws"))}
    assert address in fetched
    assert [url for url in fetched if not url.startswith(address)] == []


def test_the_browser_refuses_what_is_elsewhere(page: Page) -> None:
    script = """
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", event => done(event.blockedURI), {once: true});
        fetch("http://127.0.0.1:9/").catch(() => {});
    """
    assert page.browser.execute_async_script(script).startswith("http://127.0.0.1:9")
