"""What a release checks: versions that agree, links that work on a package index, floors that are tested."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "release")]
from check_version import problems  # noqa: E402
from setup import with_absolute_links  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The files of a repository that may be released as 1.2.0."""
    (tmp_path / "src" / "uegr").mkdir(parents=True)
    (tmp_path / "src" / "uegr" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.2.0\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-01-01)\n\n- That.\n")
    return tmp_path


def test_a_release_whose_versions_agree_has_no_problem(release: Path) -> None:
    assert problems(release, "v1.2.0") == []


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        ("src/uegr/__init__.py", "1.2.0", "1.3.0", "the tag is v1.2.0, and uegr.__version__ is 1.3.0"),
        ("CITATION.cff", "\nversion: 1.2.0", "\nversion: 1.1.0", "CITATION.cff names version 1.1.0"),
        ("CHANGELOG.md", "## 1.2.0", "## 1.1.0", "no heading '## 1.2.0'"),
        ("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n### Fixed\n- This.\n", "entries under '## Unreleased'"),
    ],
)
def test_what_does_not_agree_is_named(release: Path, file: str, before: str, after: str, problem: str) -> None:
    text = (release / file).read_text()
    (release / file).write_text(text.replace(before, after))
    assert any(problem in sentence for sentence in problems(release, "v1.2.0"))


def test_a_commit_without_a_tag_is_no_release(release: Path) -> None:
    assert problems(release, None) == ["the commit has no tag: git tag v1.2.0."]


def test_links_of_the_readme_are_absolute_on_a_package_index() -> None:
    text = with_absolute_links((ROOT / "README.md").read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links and all(link.startswith("https://") for link in links)
    assert with_absolute_links("[a](docs/a.md) ![b](c.svg)") == (
        "[a](https://github.com/uegr/uegr/blob/main/docs/a.md) ![b](https://raw.githubusercontent.com/uegr/uegr/main/c.svg)"
    )


def test_the_source_distribution_has_every_document_and_setting_of_the_root() -> None:
    """setuptools adds README.md and pyproject.toml by itself; the tests read the others."""
    included = {"README.md", "pyproject.toml"}
    for line in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("include "):
            included.update(line.split()[1:])
    files = {file.name for file in ROOT.iterdir() if file.suffix in {".md", ".yml", ".cff", ".toml"}}
    assert files <= included


def test_every_floor_is_one_that_make_test_lowest_installs() -> None:
    lines = (ROOT / "requirements" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    requirements = [*PROJECT["dependencies"]]
    for extra in ("misspellings", "peft", "tune"):
        requirements += PROJECT["optional-dependencies"][extra]
    requirements.remove("torch>=2.11")  # the suite ran on 2.13, the benchmarks on a GPU on 2.11
    for requirement in requirements:
        name, floor = re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<\d+)?", requirement).groups()  # type: ignore[union-attr]
        assert re.fullmatch(rf"{re.escape(floor)}(\.0)*", tested[name]), requirement
