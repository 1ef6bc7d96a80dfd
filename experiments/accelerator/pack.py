"""Pack: everything that a machine without a network lacks to run some comparisons, in one folder."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from experiments.accelerator.comparison import read_comparison
from experiments.accelerator.needs import check_model, model_folder, needs_of
from experiments.accelerator.package import ROOT, Package, in_words
from experiments.accelerator.staging import stage_embedded_model, stage_lexical, stage_model, stage_task, stage_test
from experiments.accelerator.wheels import download, missing_libraries
from uegr.errors import UsageError
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.modeling.scratch import SCRATCH
from uegr.modeling.scratch.language_models import SCRATCH_LANGUAGE


def pack(package: Package, model: str, paths: list[Path], *, with_wheels: bool = True) -> None:
    """Write the package.

    Args:
        package: where.
        model: the one that all comparisons train: the embedded model, a folder in UEGR_MODELS, a path, or a model from
            scratch.
        paths: of grids and tuning files in the repository.
        with_wheels: download the missing libraries; False only lists them.
    """
    comparisons = [read_comparison(_inside(path)) for path in paths]
    cells = [cell for comparison in comparisons for cell in comparison.cells]
    name, needs = check_model(model, cells), needs_of(cells)
    extras = {"tune"} if any(comparison.command == "tune" for comparison in comparisons) else set()
    libraries = missing_libraries(frozenset(extras | ({"misspellings"} if needs.misspellings else set())))
    package.clear()
    variables = []
    with tempfile.TemporaryDirectory() as staged:
        for task in needs.tasks:
            stage_task(task, Path(staged, "data/data"))
        for task, most in needs.tested.items():
            stage_test(task, most, Path(staged, "data/data"))
        stage_lexical(needs, Path(staged, "lexical"))
        if name == EMBEDDED_MODEL or needs.text_attacks:
            stage_embedded_model(Path(staged, "models"))
        if name not in (EMBEDDED_MODEL, *SCRATCH, *SCRATCH_LANGUAGE):
            variables = [stage_model(name, model_folder(name, cells), Path(staged, "models"))]
        if with_wheels:
            download(libraries, package.wheels)
        manifest = {
            "model": model,
            "comparisons": [str(comparison.path.relative_to(ROOT)) for comparison in comparisons],
            "variables": variables,
            "wheels": [f"{library}=={version}" for library, version in libraries.items()],
            "time": datetime.now(UTC).isoformat(),
        }
        sizes = package.seal(Path(staged), manifest)
    print(f"packed {', '.join(manifest['comparisons'])} with {model} into {package.folder}: {in_words(sizes)}")


def _inside(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(
            f"there is no file '{path}': name a grid or a tuning file, such as experiments/grids/main.yaml."
        )
    if not path.resolve().is_relative_to(ROOT):
        raise UsageError(f"'{path}' is outside the repository, which travels: move the file into it.")
    return path.resolve()
