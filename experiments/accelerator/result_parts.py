"""Results on their way back: one archive in a few files of limited size, and a log."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from uegr.errors import UsageError

ARCHIVE = "results.zip"
PART_BYTES = 15 * 2**20
MOST_PARTS = 7  # with the log eight files
ENDINGS = (".jsonl", ".trials.json", ".tuned.yaml")


def write_parts(names: list[str], results: Path, out: Path) -> None:
    """Write the result files of the comparisons as parts: results.zip.0, results.zip.1, ...

    Args:
        names: of the comparisons.
        results: the folder of result files.
        out: where the parts go; parts that lie there are replaced.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in out.glob(f"{ARCHIVE}.*"):
        path.unlink()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        for path in (results / f"{name}{ending}" for name in names for ending in ENDINGS):
            if path.is_file():
                archive.write(path, path.name)
    content = buffer.getvalue()
    parts = [content[start : start + PART_BYTES] for start in range(0, len(content), PART_BYTES)]
    if len(parts) > MOST_PARTS:
        raise UsageError(f"the results fill {len(parts)} files, and {MOST_PARTS} may go back: pack fewer comparisons.")
    for number, part in enumerate(parts):
        (out / f"{ARCHIVE}.{number}").write_bytes(part)


def merge_parts(folder: Path, results: Path) -> None:
    """Add the runs in the parts that came back to the result files, and say how many there were."""
    from uegr.compare.cell_content import MODEL_DIGEST
    from uegr.compare.result_slot import read_slots
    from uegr.compare.results_file import ResultsFile

    parts = sorted(folder.glob(f"{ARCHIVE}.*"))
    joined = io.BytesIO(b"".join(path.read_bytes() for path in parts))
    numbered = [path.suffix for path in parts] == [f".{number}" for number in range(len(parts))]
    if not (numbered and zipfile.is_zipfile(joined)):
        raise UsageError(f"'{folder}' does not hold all parts of {ARCHIVE}: name the folder that came back.")
    with tempfile.TemporaryDirectory() as extracted:
        with zipfile.ZipFile(joined) as archive:
            archive.extractall(extracted)  # written by write_parts
        for path in sorted(Path(extracted).iterdir()):
            target = results / path.name
            if path.suffix != ".jsonl":
                shutil.copyfile(path, target)
                continue
            # The models travelled in half precision, so that the digests of their files differ from those here.
            slots = [
                replace(slot, content={key: value for key, value in slot.content.items() if key != MODEL_DIGEST})
                for slot in read_slots(path)
            ]
            new, done = ResultsFile(target).merge(slots), sum(slot.run is not None for slot in slots)
            print(f"{target}: {len(new)} new runs, of {done} that came back")
