"""The documentation site: every page is in its navigation, every public name documented; it builds without warnings."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import uegr
from support.browser import open_browser, show
from uegr import attacks

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
API = "\n".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "api").glob("*.md")))
PERTURBATIONS = {kind.__name__ for kind in attacks.PERTURBATION_ATTACKS.values()}
"""Attacks that are made from a table: they share the entry of `PerturbationAttack`."""


@pytest.mark.parametrize("name", sorted({*uegr.__all__} - {"attacks"}))
def test_a_public_name_is_documented(name: str) -> None:
    assert re.search(rf"^::: uegr\.{name}$", API, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(attacks.__all__))
def test_an_attack_is_documented(name: str) -> None:
    entry = rf"^\| `[\w-]+` \| `{name}` \|$" if name in PERTURBATIONS else rf"^::: uegr\.attacks\.{name}$"
    assert re.search(entry, API, re.MULTILINE)


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = re.findall(r"[\w./-]+\.md", navigation)
    assert sorted(listed) == sorted({*listed})
    pages = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    assert sorted({*pages} - {*listed}) == []


def test_nothing_is_loaded_from_a_network() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert "://" not in settings.replace("http://127.0.0.1", "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    for package in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(package, reason="needs the packages of the site: make docs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)  # strict: raises at a warning, such as a link or an anchor that leads nowhere
    return folder


def test_every_public_name_is_in_the_inventory_of_the_site(site: Path) -> None:
    anchors = "\n".join(page.read_text(encoding="utf-8") for page in (site / "api").glob("*.html"))
    names = [f"uegr.{name}" for name in uegr.__all__ if name != "attacks"]
    names += [f"uegr.attacks.{name}" for name in attacks.__all__ if name not in PERTURBATIONS]
    assert [name for name in names if f'id="{name}"' not in anchors] == []


def test_an_option_is_shown_with_its_default_and_its_help(site: Path) -> None:
    page = re.sub(r"<[^>]+>", "", (site / "api" / "runs.html").read_text(encoding="utf-8"))
    assert "Learning rate of AdamW, with linear warm-up and decay" in page
    assert "option(" not in page


def test_links_that_leave_the_folder_lead_to_pages_of_the_site(site: Path) -> None:
    tutorial = (site / "tutorials" / "own_csv.html").read_text(encoding="utf-8")
    assert 'href="../repository/examples/own_csv.py.html"' in tutorial
    shown = (site / "repository" / "examples" / "own_csv.py.html").read_text(encoding="utf-8")
    assert "train_run" in shown


def test_a_page_of_the_site_loads_nothing_from_a_network(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|iframe)[^>]* src="https?:|<link[^>]* href="https?:')
    assert [page.name for page in site.rglob("*.html") if loaded.search(page.read_text(encoding="utf-8"))] == []


def test_a_hook_finds_links_outside_of_code_only() -> None:
    pytest.importorskip("mkdocs", reason="needs the packages of the site: make docs")
    sys.path.insert(0, str(DOCS / "hooks"))
    import repository_pages

    page = "[a](../examples/own_loop.py#x) `b` [c](https://example.org)\n\n```\n[d](../examples/trainer.py)\n```\n"
    assert repository_pages.linked_files(page, "docs/loop.md") == ["examples/own_loop.py"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", ["index", "troubleshooting", "tutorials/guard", "api/methods", "results"])
def test_a_page_fits_the_screen(site: Path, browser: Any, page: str, width: int) -> None:
    show(browser, (site / f"{page}.html").as_uri(), width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_follows_the_scheme_of_the_reader(site: Path, browser: Any, dark: bool) -> None:
    show(browser, (site / "index.html").as_uri(), dark=dark)
    color = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", color)[:3])) / 3
    assert (brightness < 100) is dark


def test_the_search_works_from_the_file_system(site: Path, browser: Any) -> None:
    browser.get_log("performance")
    show(browser, (site / "index.html").as_uri())
    field = browser.find_element("css selector", ".md-search__input")
    field.click()
    field.send_keys("homoglyphs")
    until = time.monotonic() + 60
    while not (results := browser.find_elements("css selector", ".md-search-result__item")):
        assert time.monotonic() < until, "no result of the search"
        time.sleep(0.2)
    assert any("Test, retrain, gate" in result.text for result in results)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    urls = [request["request"]["url"] for request in sent]
    assert urls
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []
