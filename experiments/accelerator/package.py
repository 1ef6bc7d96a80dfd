"""The folder that goes to the machine: its files, how it is unpacked there, and the environment that it makes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.accelerator.weights import widen_all
from experiments.paths import EXPERIMENTS
from uegr.atomic_files import write_json
from uegr.errors import UsageError

ROOT = EXPERIMENTS.parent
MOST_BYTES = 60 * 2**20
MANIFEST = "package.json"
PARTS = ("data", "lexical", "models")
"""The archives. Each holds paths below the unpacked folder: data/, models/ and site/."""


@dataclass(frozen=True)
class Package:
    """A package folder: package.json, wheels/, one .zip per part, and on the machine unpacked/.

    Args:
        folder: by default .accelerator in the repository, which git ignores.
    """

    folder: Path

    @property
    def exists(self) -> bool:
        return (self.folder / MANIFEST).is_file()

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    @property
    def unpacked(self) -> Path:
        return self.folder / "unpacked"

    def manifest(self) -> dict[str, Any]:
        """What was packed: "model", "comparisons" (paths), "variables" (of model paths), "wheels" and "time"."""
        if not self.exists:
            raise UsageError(
                f"there is no package in '{self.folder}': make it with experiments/accelerator.sh pack MODEL GRID on a "
                "machine with a network and the data."
            )
        content: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return content

    def clear(self) -> None:
        """Remove a former package; results in out/ stay."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for folder in (self.wheels, self.unpacked):
            shutil.rmtree(folder, ignore_errors=True)
        for path in self.folder.glob("*.zip"):
            path.unlink()

    def seal(self, staged: Path, manifest: dict[str, Any]) -> dict[str, int]:
        """Write the archives from a folder with one folder per part, then the manifest; return the bytes by part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            if (staged / part).is_dir():
                with zipfile.ZipFile(self.folder / f"{part}.zip", "w", zipfile.ZIP_LZMA) as archive:
                    for path in sorted((staged / part).rglob("*")):
                        archive.write(path, path.relative_to(staged / part))
        sizes = {"wheels": sum(path.stat().st_size for path in self.wheels.glob("*.whl"))}
        sizes |= {path.name.removesuffix(".zip"): path.stat().st_size for path in self.folder.glob("*.zip")}
        if sum(sizes.values()) > MOST_BYTES:
            self.clear()
            raise UsageError(
                f"the package would have {in_words(sizes)}, and at most {MOST_BYTES / 2**20:.0f} MiB are allowed: pack "
                "a smaller model or fewer tasks."
            )
        write_json(self.folder / MANIFEST, manifest)
        return sizes

    def unpack(self) -> None:
        """Make unpacked/ from the archives and wheels, with the weights in float32 again; nothing if it is there."""
        manifest, copy = self.manifest(), self.unpacked / MANIFEST
        if copy.is_file() and json.loads(copy.read_text(encoding="utf-8")) == manifest:
            return
        partial = self.folder / "unpacked.partial"
        for folder in (partial, self.unpacked):
            shutil.rmtree(folder, ignore_errors=True)
        for name in ("site", "data", "models", "cache", "runs"):
            (partial / name).mkdir(parents=True)
        targets = dict.fromkeys(self.folder.glob("*.zip"), partial)
        targets |= dict.fromkeys(self.wheels.glob("*.whl"), partial / "site")
        for path, target in targets.items():
            with zipfile.ZipFile(path) as archive:
                archive.extractall(target)  # written by pack
        widen_all(partial)
        write_json(partial / MANIFEST, manifest)
        partial.rename(self.unpacked)

    def enter(self) -> None:
        """Make this process, and those it starts, use the unpacked libraries, data and models, and no network."""
        site = str(self.unpacked.resolve() / "site")
        sys.path.insert(0, site)
        folders = {variable: f"models/{variable}" for variable in self.manifest()["variables"]}
        folders |= {"UEGR_DATA": "data", "HF_HOME": "cache", "HF_DATASETS_CACHE": "cache/datasets"}
        os.environ.update({variable: str(self.unpacked.resolve() / path) for variable, path in folders.items()})
        os.environ.update({"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT), site])


def in_words(sizes: dict[str, int]) -> str:
    """Such as "50.1 MiB (wheels 2.0, models 48.1)"."""
    parts = ", ".join(f"{part} {size / 2**20:.1f}" for part, size in sizes.items())
    return f"{sum(sizes.values()) / 2**20:.1f} MiB ({parts})"
