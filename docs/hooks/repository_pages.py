"""Hook of mkdocs: links that leave docs/ work in the site, too, because the files that they lead to become pages of it.

A document such as CONTRIBUTING.md is added as it is, any other file as a page that shows its text. Their addresses in
the site begin with `repository/`. Links to folders become plain text, since a site lists no folders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PREFIX = "repository/"
PROJECT_PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")
"""Documents that the navigation names."""
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file outside docs/ that a page links to, also from an added page."""
    waiting = list(PROJECT_PAGES)
    for file in files.documentation_pages():
        waiting += linked_files(file.content_string, repository_path(file.src_uri))
    while waiting:
        path = waiting.pop()
        if path.startswith("docs/") or site_path(path) in files.src_uris:
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        content = text if path.endswith(".md") else code_page(path, text)
        files.append(File.generated(config, site_path(path), content=content))
        if path.endswith(".md"):
            waiting += linked_files(text, path)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to where their files are in the site."""
    folder, source = posixpath.dirname(page.file.src_uri), repository_path(page.file.src_uri)

    def rewritten(match: re.Match[str]) -> str:
        label, link = match.groups()
        target, anchor = split_link(link, source)
        if not target:
            return match[0]
        if (ROOT / target).is_dir():
            return label
        return f"[{label}]({posixpath.relpath(site_path(target), folder or '.')}{anchor})"

    return outside_fences(markdown, lambda text: LINK.sub(rewritten, text))


def linked_files(markdown: str, source: str) -> list[str]:
    """The files that a document links to, as paths in the repository."""
    targets: list[str] = []

    def collect(text: str) -> str:
        targets.extend(split_link(link, source)[0] for _, link in LINK.findall(text))
        return text

    outside_fences(markdown, collect)
    return [target for target in targets if target and not (ROOT / target).is_dir()]


def outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    """The document with everything but its fenced code changed."""
    parts = FENCE.split(markdown)
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def split_link(link: str, source: str) -> tuple[str, str]:
    """The file that a link of a document leads to, as a path in the repository or "" for none, and its anchor."""
    path, mark, anchor = link.partition("#")
    if not path or "://" in link:
        return "", ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path)), mark + anchor


def repository_path(src_uri: str) -> str:
    """Where a page of the site lies in the repository."""
    return src_uri.removeprefix(PREFIX) if src_uri.startswith(PREFIX) else f"docs/{src_uri}"


def site_path(path: str) -> str:
    """Where a file of the repository lies in the site, as mkdocs names sources."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return PREFIX + path + ("" if path.endswith(".md") else ".md")


def code_page(path: str, text: str) -> str:
    """A page that shows a file; the search leaves it out."""
    name, language = posixpath.basename(path), posixpath.splitext(path)[1][1:]
    return f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n````{language}\n{text.rstrip()}\n````\n"
