"""The description on a package index: README.md with absolute links. All else is in pyproject.toml."""

import re
from pathlib import Path

from setuptools import setup

REPOSITORY = "https://github.com/uegr/uegr"
FILES = "https://raw.githubusercontent.com/uegr/uegr/main"


def with_absolute_links(text: str) -> str:
    """Return Markdown whose relative links and images are absolute."""
    text = re.sub(r"!\[([^\]]*)\]\((?!https?:)", rf"![\1]({FILES}/", text)
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)", rf"[\1]({REPOSITORY}/blob/main/", text)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(long_description=with_absolute_links(readme), long_description_content_type="text/markdown")
