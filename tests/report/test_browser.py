"""The page in a real browser: Debian's chromium, or Chrome; headless."""

from __future__ import annotations

import os
import shutil
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.sample_runs import full, samples
from uegr.report.figures.catalogue import draw
from uegr.report.page import write_page

pytest.importorskip("selenium", reason="needs selenium: pip install selenium")
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs a browser: apt-get install chromium chromium-driver"
)
ARGUMENTS = ("headless", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking")
ARGUMENTS += ("disable-component-update", "disable-sync")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(f"--{argument}")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # chromium's own refuses to run for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    runs = [full("plain", model="<b>&$x$", seed=1), *(replace(run, seed=i) for i, run in enumerate(samples() * 2))]
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(runs, draw(runs), path)
    return path.as_uri()


def show(browser: Any, page: str, width: int = 1280, dark: bool = False) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page)


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
