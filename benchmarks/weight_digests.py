"""Digests of the weights that a training leaves: two commits that print the same digests compute the same numbers.

    PYTHONPATH=SRC_OF_THE_COMMIT UEGR_DATA=... UEGR_MODELS=... python benchmarks/weight_digests.py

Only the command line is used, so that the script runs at any commit. One thread, float32, bert-tiny, 320 training
sentences of SST-2, two epochs. Digests compare on one processor only: another one adds its sums in another order.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors import safe_open

METHODS = ("plain", "freelb", "roast", "uegr")


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of all tensors of a safetensors file, in the order of their names."""
    total = hashlib.sha256()
    with safe_open(path, framework="pt") as file:
        for name in sorted(file.keys()):
            total.update(name.encode())
            total.update(file.get_tensor(name).contiguous().numpy().tobytes())
    return total.hexdigest()[:16]


def train(method: str, folder: Path) -> str:
    """Train with one method, and return the digest of its weights."""
    options = {
        "task": "sst2",
        "model_name_or_path": str(Path(os.environ["UEGR_MODELS"]) / "bert-tiny"),
        "method": method,
        "max_train_examples": 320,
        "max_test_examples": 50,
        "epochs": 2,
        "learning_rate": 5e-4,
        "precision": "fp32",
        "seed": 3,
        "output_dir": folder,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "uegr.cli.main", "train", *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
    return digest(folder / "model.safetensors")


def main() -> None:
    """Print one line per method."""
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            print(f"{method:8} {train(method, Path(folder) / method)}", flush=True)


if __name__ == "__main__":
    main()
