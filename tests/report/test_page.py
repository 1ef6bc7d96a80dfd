from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from support.sample_runs import samples
from uegr.report.figures.catalogue import draw
from uegr.report.page import write_page
from uegr.runs.run_result import RunResult


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def page(runs: list[RunResult], tmp_path: Path) -> str:
    write_page(runs, draw(runs), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)></svg><iframe>--><script>{{ 7 * 7 }}<b title='"""


def test_page_is_self_contained_and_escapes_the_users_text(tmp_path: Path) -> None:
    log = [{"step": 1, "loss": 1.0, f"saliency/{EVIL}": 1.0, f"{EVIL}_loss": 1.0}]
    after = EVIL.replace("title", "tiitle")
    texts = [{"label": EVIL, "before": EVIL, "predicted_before": EVIL, "after": after, "predicted": EVIL}]
    parts = [{"slice": EVIL, "examples": 30, "accuracy": 0.5}]
    attacks = [{"attack": EVIL, "examples": 10, "accuracy": 0.5, "texts": texts, "slices": parts}]
    attacks[0] |= {"trained_on": True, "words_changed": 0.5, "options": {"similarity": EVIL}}
    entry = {
        "length_baseline": {"accuracy": 0.9, "auc": 0.95},
        "model": EVIL,
        "options": {EVIL: EVIL},
        "log": log,
        "text_attacks": attacks,
    }
    text = page(samples(task=EVIL, **entry), tmp_path)
    tags = Tags(text).elements
    names = [tag for tag, _ in tags]
    assert not {"img", "link", "iframe", "object", "base", "form", "image", "foreignobject"} & set(names)
    assert names.count("script") == 1
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    sources = [a[name] for _, a in tags for name in ("src", "href", "xlink:href") if a.get(name)]
    assert all(str(source).startswith("#") for source in sources)
    assert not re.search(r"url\((?!#)", text)
    assert text.count("{{ 7 * 7 }}") > 5


def test_only_the_pages_own_script_may_run(tmp_path: Path) -> None:
    text = page(samples(), tmp_path)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    digest = b64encode(sha256(script.group(1).encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy.group(1)
    assert f"script-src 'sha256-{digest}'" in policy.group(1)


def test_numbers_stand_on_the_page(tmp_path: Path) -> None:
    text = page(samples(), tmp_path)
    for number in ("80.0", "60.0", "40.0", "2.30"):
        assert number in text
    tags = Tags(text).elements
    assert [tag for tag, _ in tags].count("svg") == 4
    assert all(a["aria-label"] for tag, a in tags if a.get("role") == "img")


def test_a_suspicion_of_gradient_masking_is_printed(tmp_path: Path) -> None:
    masking = {"gradient_masking": {"flag": True, "reasons": ["Random search beats PGD."]}}
    assert "Random search beats PGD." in page(samples(analysis=masking), tmp_path)
    assert "gradient masking" not in page(samples(), tmp_path).lower()
