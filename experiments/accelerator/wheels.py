"""The libraries that uegr needs and the machine lacks, as wheels."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from experiments.accelerator.package import ROOT
from uegr.errors import UsageError

# fmt: off
ON_MACHINE = {
    "accelerate", "filelock", "fsspec", "httpx", "huggingface-hub", "jinja2", "joblib", "markupsafe", "matplotlib",
    "numpy", "packaging", "pandas", "peft", "portalocker", "psutil", "pyarrow", "pytest", "python-dateutil", "pyyaml",
    "regex", "requests", "rich", "sacrebleu", "safetensors", "scikit-learn", "scipy", "tokenizers", "torch", "tqdm",
    "transformers", "typer", "typing-extensions", "xxhash",
}
# fmt: on
"""What a machine with torch and transformers is expected to have, with all that these libraries need."""
MARKERS = {
    "python_version": "3.12",
    "python_full_version": "3.12.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "extra": "",
}
PURE = ["--implementation", "py", "--abi", "none", "--platform", "any"]
COMPILED = ["--implementation", "cp", "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"]
COMPILED += ["--platform", "manylinux2014_x86_64"]


def missing_libraries(extras: frozenset[str] = frozenset()) -> dict[str, str]:
    """Name -> version of everything that uegr and these extras of it need and the machine lacks.

    The versions, and what each library needs in turn, are those of this Python environment.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [*project["dependencies"]]
    for extra in extras:
        waiting += project["optional-dependencies"][extra]
    versions: dict[str, str] = {}
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        applies = requirement.marker is None or requirement.marker.evaluate(MARKERS)
        if not applies or name in ON_MACHINE or name in versions:
            continue
        try:
            versions[name] = distribution(name).version
        except PackageNotFoundError:
            raise UsageError(f"{name} is not installed here, so its version is unknown: pip install {name}.") from None
        waiting += distribution(name).requires or []
    return dict(sorted(versions.items()))


def download(versions: dict[str, str], target: Path) -> None:
    """Write one wheel per library: a pure one if there is one, else the one for the machine, else one built here."""
    for name, version in versions.items():
        wanted = f"{name}=={version}"
        fetch = ["download", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", str(target)]
        build = ["wheel", "--no-deps", "--wheel-dir", str(target)]
        if not any(_pip([*arguments, wanted]) for arguments in ([*fetch, *PURE], [*fetch, *COMPILED], build)):
            raise UsageError(f"pip found no wheel of {wanted} and could not build one: check the network.")
    for path in target.glob("*.whl"):
        if not path.stem.endswith(("-any", "x86_64")):
            raise UsageError(f"'{path.name}' was built for this machine only: install a version with a wheel.")


def _pip(arguments: list[str]) -> bool:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603
