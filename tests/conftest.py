"""Settings and fixtures of all tests; what tests call lies in `support`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import datasets.config
import huggingface_hub.constants
import hypothesis
import pytest
import torch
from datasets import Dataset
from transformers import BertModel

from support.allowed_skips import VARIABLE, SkipCheck, read_allowed
from support.reviews import learned, reviews, tokenizer
from support.small_models import BAD, GOOD, WORDS, Linear, batch, bert
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.libraries import silence_libraries
from uegr.methods import own_code
from uegr.methods.method_lookup import METHODS

__all__ = ["BAD", "GOOD", "WORDS", "Linear", "batch", "bert", "learned", "reviews", "tokenizer"]
"""Names that some test files still import from here."""

FOLDERS = {
    variable: Path(os.environ.pop(variable, Path(__file__).parents[2] / "shared" / name))
    for variable, name in (("UEGR_DATA", "data"), ("UEGR_MODELS", "models"))
}
"""The folders of real data and models. The variables are removed, so that a test sees them only if it sets them: a test
must not pass on one machine and fail on another because of what is set there."""

# No test waits for a hub: here, and in the processes that tests start.
huggingface_hub.constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
os.environ["HF_HUB_OFFLINE"] = "1"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # the tests were started in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)
silence_libraries()
hypothesis.settings.register_profile(
    "busy machine", deadline=None, max_examples=50
)  # time is measured in benchmarks, not here
hypothesis.settings.load_profile("busy machine")
torch.set_num_threads(1)  # the models are tiny: threads would only wait for each other


def pytest_configure(config: pytest.Config) -> None:
    """On CI, check the skips of all processes in the one that reports them."""
    if os.environ.get(VARIABLE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipCheck(read_allowed()))


def pytest_collection() -> None:
    """Collect no garbage while the tests and the libraries are imported: nearly all objects stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exclude what is imported by now from garbage collections.

    Trainer.train() collects garbage at its end. With the objects of all libraries this takes half of the time of a
    short training.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests read and tokenize is cached in a temporary folder."""
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained encoder without a head, with its tokenizer, as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    BertModel(bert().config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def rows() -> Dataset:
    """Forty-eight made-up reviews."""
    return Dataset.from_pandas(reviews(48, seed=1))


@pytest.fixture(scope="session")
def evaluated(rows: Dataset) -> EvaluatedModel:
    """A model that has learned the reviews."""
    return learned(rows)


@pytest.fixture(scope="session")
def other_evaluated(rows: Dataset) -> EvaluatedModel:
    """Another model that has learned the same reviews."""
    return learned(rows, seed=1)


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    """Sixty made-up reviews as CSV."""
    path = tmp_path / "reviews.csv"
    reviews(60).to_csv(path, index=False)
    return path


@pytest.fixture
def own_code_forgotten() -> Iterator[None]:
    """What a test imports as `uegr --code` does is forgotten at its end, with the methods that it registers."""
    registered, path = dict(METHODS), list(sys.path)
    yield
    own_code.IMPORTED.clear()
    METHODS.clear()
    METHODS.update(registered)
    sys.path[:] = path


@pytest.fixture
def data_folder() -> Path:
    """The folder of real benchmark data; tests that need it are skipped where it is missing."""
    return _real("UEGR_DATA")


@pytest.fixture
def pretrained_folder() -> Path:
    """The folder of small real pretrained encoders; tests that need it are skipped where it is missing."""
    return _real("UEGR_MODELS")


def _real(variable: str) -> Path:
    if not FOLDERS[variable].is_dir():
        pytest.skip(f"needs the folder {variable}, which is not set or does not exist")
    return FOLDERS[variable]
