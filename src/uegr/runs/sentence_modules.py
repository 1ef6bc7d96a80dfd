"""What a folder of sentence-transformers holds besides its transformer: pooling, normalisation, prompts."""

import json
import logging
import shutil
from pathlib import Path

logger = logging.getLogger("uegr")
MODULES = "modules.json"
SETTINGS = (MODULES, "sentence_bert_config.json", "config_sentence_transformers.json")
DATA = (".json", ".safetensors")
"""Endings of the files that are copied: those that can run no code."""
OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt")


def copy_sentence_modules(source: Path, target: Path) -> None:
    """Copy the modules that follow the transformer, and their settings, beside a transformer that was trained further.

    Nothing is copied unless the transformer lies in the source folder itself, every module in a folder within it, and
    all weights in safetensors. The log names what was left out.

    Args:
        source: the folder that the transformer came from; nothing is done if it has no modules.json.
        target: a folder with the trained transformer.
    """
    if not (source / MODULES).is_file():
        return
    folders = _module_folders(source)
    if folders is None:
        logger.warning(
            "the modules of sentence-transformers are not copied: %s must name a transformer with the path '', then "
            "folders within '%s'",
            MODULES,
            source,
        )
        return
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    left_out = [str(file.relative_to(source)) for file in files if file.suffix not in DATA]
    without_weights = {Path(name).parent for name in left_out if Path(name).suffix in OTHER_WEIGHTS} - {
        file.relative_to(source).parent for file in files if file.suffix == ".safetensors"
    }
    if without_weights:
        logger.warning(
            "the modules of sentence-transformers are not copied: the weights in %s are not in safetensors",
            ", ".join(sorted(map(str, without_weights))),
        )
        return
    settings = [source / name for name in SETTINGS if (source / name).is_file()]
    for file in (*settings, *(file for file in files if file.suffix in DATA)):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    if left_out:
        logger.warning("not copied, because only .json and .safetensors are: %s", ", ".join(left_out))


def _module_folders(source: Path) -> list[Path] | None:
    """The folders of the modules after the transformer; None if the source's modules.json is not of the usual form."""
    try:
        first, *others = (module["path"] for module in json.loads((source / MODULES).read_text(encoding="utf-8")))
        folders = [source / path for path in others]
    except (ValueError, TypeError, KeyError):
        return None
    root = source.resolve()
    inside = all(
        ".." not in folder.parts[len(source.parts) :] and root in folder.resolve().parents for folder in folders
    )
    return folders if first == "" and inside else None
