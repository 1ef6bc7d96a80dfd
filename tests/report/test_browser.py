"""The page in a real browser: Debian's chromium, or Chrome; headless."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.browser import open_browser, show
from support.sample_runs import full, samples
from uegr.report.figures.catalogue import draw
from uegr.report.page import write_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


def attack(name: str) -> dict[str, Any]:
    """An attack with texts of two classes and all three outcomes."""
    rows = [("good", "good", "fime <b>", "bad"), ("bad", "bad", None, "bad"), ("bad", "good", None, "good")]
    names = ("label", "predicted_before", "after", "predicted")
    texts = [{"before": f"fine {i}", **dict(zip(names, row, strict=True))} for i, row in enumerate(rows)]
    parts = [{"slice": "class good", "examples": 30, "accuracy": 0.4}]
    return {"attack": name, "examples": 3, "accuracy": 0.3, "texts": texts, "slices": parts}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    attacked = full(method="plain", model="<b>&$x$", seed=1, text_attacks=[attack("deepwordbug"), attack("synonyms")])
    runs = [attacked, *(replace(run, seed=i) for i, run in enumerate(samples() * 2))]
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(runs, draw(runs), path)
    return path.as_uri()


def photograph(browser: Any, selector: str) -> np.ndarray:
    """Return the pixels of an element, shape (height, width, 3)."""
    box = browser.execute_script(
        "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height, scale: 1}",
        selector,
    )
    answer = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": box})
    return np.asarray(Image.open(BytesIO(b64decode(answer["data"]))).convert("RGB")).astype(int)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_page_loads_without_messages_and_every_figure_is_drawn(width: int, dark: bool, browser: Any, page: str) -> None:
    show(browser, page, width, dark)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    background = [21, 21, 21] if dark else [255, 255, 255]
    assert photograph(browser, "body")[5, 5].tolist() == background
    names = browser.execute_script("return [...document.querySelectorAll('article')].map(a => a.id)")
    assert len(names) == 25
    for name in names:
        pixels = photograph(browser, f"#{name} svg")
        assert pixels.shape[1] > 250, name
        paper = pixels[1, 1]
        inked = np.abs(pixels - paper).sum(axis=2) > 90
        assert 0.008 < inked.mean() < 0.9, f"{name} is blank or a blot: {inked.mean():.3f}"
        rows, columns = inked.any(axis=1).mean(), inked.any(axis=0).mean()
        assert rows > 0.5, f"{name} has a large blank area"
        assert columns > 0.5, f"{name} has a large blank area"


def test_nothing_is_fetched(browser: Any, page: str) -> None:
    browser.get_log("performance")
    show(browser, page)
    requests = [e["message"] for e in browser.get_log("performance") if "Network.requestWillBeSent" in e["message"]]
    assert all(page in request for request in requests), requests


def test_click_sorts_and_second_click_reverses(browser: Any, page: str) -> None:
    show(browser, page)
    cells = "return [...document.querySelectorAll('main > .scroll table tbody tr')].map(r => r.cells[%d].textContent)"
    headings = browser.execute_script(
        "return [...document.querySelectorAll('main > .scroll th')].map(h => h.textContent.trim())"
    )
    column = headings.index("time ×")
    browser.execute_script(
        "document.querySelectorAll('main > .scroll tbody td')[arguments[0]].textContent = '10.5'", column
    )
    before = browser.execute_script(cells % column)
    button = browser.execute_script(
        f"return document.querySelectorAll('main > .scroll th')[{column}].firstElementChild"
    )
    button.click()
    assert browser.execute_script(cells % column) == sorted(before, key=float) != before
    button.click()
    assert browser.execute_script(cells % column) == sorted(before, key=float, reverse=True)
    assert (
        browser.execute_script(f"return document.querySelectorAll('main > .scroll th')[{column}].ariaSort")
        == "descending"
    )


def test_filters_choose_texts_by_keyboard(browser: Any, page: str) -> None:
    show(browser, page)
    shown = "return [...document.querySelectorAll('#texts > li')].filter(t => t.offsetHeight).map(t => t.textContent)"
    count = "return document.querySelector('#filters output').textContent"
    assert len(browser.execute_script(shown)) == 6
    assert browser.execute_script(count) == "6 of 6 texts"
    selects = {
        select.get_attribute("name"): select for select in browser.find_elements("css selector", "#filters select")
    }
    assert list(selects) == ["run", "label", "attack", "outcome"]
    selects["outcome"].send_keys("fool")
    fooled = browser.execute_script(shown)
    assert len(fooled) == 2 and all("fime <b>" in text for text in fooled)
    selects["attack"].send_keys("words rep")
    (one,) = browser.execute_script(shown)
    assert "replaced by synonyms" in one
    selects["label"].send_keys("bad")
    assert browser.execute_script(shown) == []
    assert browser.execute_script(count) == "0 of 6 texts"
    for select in selects.values():
        select.send_keys("all")
    assert len(browser.execute_script(shown)) == 6


def test_changed_words_are_marked(browser: Any, page: str) -> None:
    show(browser, page)
    marked = browser.execute_script("return [...document.querySelectorAll('#texts mark')].map(m => m.textContent)")
    assert marked == ["fine", "0", "fime", "<b>"] * 2


@pytest.mark.parametrize("width", [1280, 390])
def test_verdict_and_table_come_first(width: int, browser: Any, page: str) -> None:
    show(browser, page, width)
    tops = browser.execute_script(
        "return ['.verdict', '#story table', '#story svg', '#filters', '#weakest-parts', '#summary']"
        ".map(s => document.querySelector(s).getBoundingClientRect().top)"
    )
    assert tops[0] < tops[1] < 844, "the verdict and the beginning of the table need no scrolling"
    assert tops[2] < tops[3] < tops[4] < tops[5]


def test_pointing_shows_the_nearest_value(browser: Any, page: str) -> None:
    show(browser, page)
    script = """
        const figure = document.querySelector('#robustness figure'), svg = figure.querySelector('svg');
        const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
        const [x, y, text] = JSON.parse(figure.dataset.marks)[1];
        const move = (dx, dy) => svg.dispatchEvent(new PointerEvent('pointermove',
            {clientX: box.left + x * scale + dx, clientY: box.top + y * scale + dy, pointerType: 'mouse'}));
        const readout = () => document.querySelector('#readout');
        move(4, -3);
        const shown = [readout().textContent, text, readout().hidden, readout().getBoundingClientRect().width];
        move(0, -2000);
        return [...shown, readout().hidden];
    """
    text, expected, hidden, width, hidden_far_away = browser.execute_script(script)
    assert text == expected
    assert "at epsilon 0.02" in text
    assert not hidden
    assert width > 50
    assert hidden_far_away


def test_the_users_text_is_text(browser: Any, page: str) -> None:
    show(browser, page)
    assert "<b>&$x$" in browser.execute_script("return document.body.textContent")
    assert browser.execute_script("return document.querySelectorAll('b').length") == 0


def test_numbers_are_open_in_print(browser: Any, page: str) -> None:
    show(browser, page)
    script = "window.dispatchEvent(new Event('beforeprint'));"
    script += "return document.querySelectorAll('details:not([open])').length"
    assert browser.execute_script(script) == 0
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script("return document.querySelectorAll('details[open]').length") == 0
    assert len(b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])) > 20_000


@pytest.mark.parametrize("name", ["robustness", "text-attacks"])
def test_dark_figures_are_drawn_in_light_ink(name: str, browser: Any, page: str, tmp_path: Path) -> None:
    means = []
    for dark in (False, True):
        show(browser, page, dark=dark)
        means.append(photograph(browser, f"#{name} svg").mean())
    assert means[0] > 180
    assert means[1] < 90
