"""The command line of experiments/accelerator.sh."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from experiments.accelerator.package import ROOT, Package
from experiments.accelerator.result_parts import merge_parts
from experiments.accelerator.run import run
from experiments.paths import RESULTS
from uegr.errors import UegrError, UsageError
from uegr.libraries import silence_libraries

COMMANDS = ("pack", "run", "merge", "--dry-run")


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    if arguments == ["--dry-run"]:
        from experiments.accelerator.dry_run import dry_run

        dry_run()
        return
    short_form = bool(arguments) and arguments[0] not in COMMANDS and not arguments[0].startswith("-")
    given = _parser().parse_args(["pack", *arguments] if short_form else arguments)
    package = Package(given.folder)
    if given.command == "merge":
        merge_parts(given.out, given.results)
    elif given.command == "run" or (short_form and _is_packed(package, given.model, given.grids)):
        out = Path(os.environ["OUT"]) if "OUT" in os.environ else package.folder / "out"
        run(package, given.results, out, given.minutes, given.jobs, cpu=given.cpu)
    else:
        from experiments.accelerator.pack import pack

        pack(package, given.model, given.grids)


def _is_packed(package: Package, model: str, grids: list[Path]) -> bool:
    """Whether this is in the package; a `UsageError` if something else is."""
    if not package.exists:
        return False
    manifest, paths = package.manifest(), {str(path.resolve().relative_to(ROOT)) for path in grids}
    if (manifest["model"], set(manifest["comparisons"])) != (model, paths):
        raise UsageError(
            f"the package in '{package.folder}' holds {', '.join(manifest['comparisons'])} with {manifest['model']}: "
            "run it with experiments/accelerator.sh run, or replace it with experiments/accelerator.sh pack MODEL GRID."
        )
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("experiments/accelerator.sh", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the package; needs the network and the data")
    packing.add_argument("model", metavar="MODEL", help="the embedded model, a folder in UEGR_MODELS, or a path")
    packing.add_argument("grids", metavar="GRID", nargs="+", type=Path, help="a grid or a tuning file")
    running = commands.add_parser("run", help="run what is unfinished, on the machine")
    for command in (packing, running):  # the short form may be either
        command.add_argument("--folder", type=Path, default=ROOT / ".accelerator", help="the package")
        command.add_argument("--minutes", type=float, default=9.0, help="time after which cells are stopped (9)")
        command.add_argument("--jobs", type=int, help="cells at once; default: by the cores and the card's memory")
        command.add_argument("--cpu", action="store_true", help="run without a GPU")
    merging = commands.add_parser("merge", help="add the results that came back")
    merging.add_argument("out", metavar="FOLDER", type=Path, help="the folder that came back")
    merging.set_defaults(folder=ROOT / ".accelerator")
    for command in (packing, running, merging):
        command.add_argument("--results", type=Path, default=RESULTS, help="the folder of NAME.jsonl")
    return parser


if __name__ == "__main__":
    silence_libraries()
    try:
        main(sys.argv[1:])
    except UegrError as error:
        sys.exit(f"accelerator: {error}")
