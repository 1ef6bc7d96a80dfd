"""The content that `Cell.content` makes: how two are compared, and the hash that names the folder of a run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

DIGEST = ".sha256"
"""The digest of a file or folder stands beside its path: "data.train_file" and "data.train_file.sha256"."""
MODEL_DIGEST = f"train.model{DIGEST}"
"""Digest of a model's folder; a machine that has the results only has no such folder."""
Content = Mapping[str, Any]


def comparable(first: Content, second: Content) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two contents without the keys that `may_differ`."""
    contents = (first, second)
    left, right = ({key: value for key, value in own.items() if not may_differ(key, *contents)} for own in contents)
    return left, right


def may_differ(key: str, first: Content, second: Content) -> bool:
    """Whether a key may differ between two contents of the same cell.

    That is the path of a file or model folder of which both have a digest, and the digest of a model that one of them
    knows by its path only.
    """
    digest = key + DIGEST
    return (digest in first and digest in second) or (key == MODEL_DIGEST and not (key in first and key in second))


def changed_inputs(before: Content, after: Content) -> list[Any]:
    """The paths in the content before whose digest is another one after."""
    return [path for key, path in before.items() if before.get(key + DIGEST) != after.get(key + DIGEST)]


def address(content: Content) -> str:
    """Ten hexadecimal digits of the SHA-256 of a content; paths of which it has a digest do not count."""
    content, _ = comparable(content, content)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
