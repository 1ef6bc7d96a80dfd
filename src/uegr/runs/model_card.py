"""The model card of a run: README.md in Hugging Face's format, beside the checkpoint, its numbers in `model-index`.

The text between two marker lines is ours and is renewed whenever something new is measured; what somebody has written
around it, and fields of the header that are not ours, stay.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from uegr import __version__
from uegr.atomic_files import write_text
from uegr.errors import UsageError
from uegr.evaluation.curve_area import curve_area
from uegr.modeling.model_loading import SCRATCH
from uegr.runs.run_result import read_results, robust_curve
from uegr.runs.run_table import measures

CARD, RUN = "README.md", "run.json"
BEGIN, END = "<!-- uegr: begin -->", "<!-- uegr: end -->"
HOME = "https://arxiv.org/abs/2503.16550"
EMBEDDED = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
"""What the model that comes with uegr is called on the hub."""
KINDS = {
    "classification": ("text-classification", "AutoModelForSequenceClassification"),
    "causal_lm": ("text-generation", "AutoModelForCausalLM"),
    "seq2seq": ("translation", "AutoModelForSeq2SeqLM"),
}
"""Kind of task -> the hub's name of it, and the class that opens the model; other kinds are sequence classifiers."""
TRAINING = (
    "epochs",
    "max_steps",
    "learning_rate",
    "weight_decay",
    "warmup_ratio",
    "batch_size",
    "max_length",
    "precision",
)


def write_card(folder: Path) -> Path:
    """Write or renew the card of a finished run, from its run.json and, where it is there, its results.json.

    Returns:
        The card's path.

    Raises:
        UsageError: a README.md is there whose header cannot be read.
    """
    run = json.loads((folder / RUN).read_text())
    entry = read_results(folder)[0] if (folder / "results.json").is_file() else None
    path = folder / CARD
    text = _text(run, entry)
    header = _header(folder, run, entry)
    if path.is_file():
        try:
            former: Any = ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=False)
        except Exception as error:  # whatever the header's parser objects to
            raise UsageError(
                f"the header of '{path}' cannot be read ({error}): mend it, or remove the file."
            ) from error
        header = {**former.data.to_dict(), **header}
        text = _merged(former.text, text)
    data = ModelCardData(**header)
    write_text(path, f"---\n{data.to_yaml()}\n---\n\n{text.strip()}\n")
    return path


def _merged(former: str, ours: str) -> str:
    """The former text with our part renewed, or with our part after it where it had none."""
    if BEGIN not in former or END not in former:
        return f"{former.strip()}\n\n{ours}" if former.strip() else ours
    before, rest = former.split(BEGIN, 1)
    return before + ours + rest.split(END, 1)[1]


def _header(folder: Path, run: dict[str, Any], entry: dict[str, Any] | None) -> dict[str, Any]:
    config = run["config"]
    base = EMBEDDED.get(config["model"], config["model"])
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": _kind(run)[0],
        "tags": ["uegr", "robustness", f"method:{config['method']}"],
        "model_name": folder.resolve().name,
    }
    if re.fullmatch(r"[\w.-]+/[\w.-]+", base) and not Path(base).exists():
        header["base_model"] = base
    if entry is not None:
        header["eval_results"] = eval_results(entry, _kind(run)[0])
    return header


def eval_results(entry: dict[str, Any], task_type: str = "text-classification") -> list[EvalResult]:
    """A run of results.json as entries of `model-index`: metrics, accuracy under each attack, area of the curve."""
    task = str(entry["task"])

    def result(kind: str, value: float, name: str, **arguments: Any) -> EvalResult:
        return EvalResult(
            task_type=task_type,
            dataset_type=re.sub(r"[^\w.-]+", "-", task).lower(),
            dataset_name=task,
            dataset_split=entry.get("split"),
            metric_type=kind,
            metric_value=value,
            metric_name=name,
            metric_args=arguments or None,
        )

    results = [result(name, value, name.replace("_", " ")) for name, value in entry["metrics"].items()]
    kind, epsilons, values = robust_curve(entry)
    curve = entry["robustness"]
    settings = {name: curve[name] for name in ("norm", "relative", "steps", "restarts", "examples") if name in curve}
    for epsilon, value in zip(epsilons, values, strict=True):
        if epsilon:
            name = f"{kind} under {curve['attack']}, epsilon {epsilon:g}"
            results.append(result(f"robust_{kind}_{epsilon:g}", value, name, epsilon=epsilon, **settings))
    area = curve_area(epsilons, values)
    results.append(result("robust_area", area, f"mean {kind} over epsilon up to {epsilons[-1]:g}", **settings))
    for attack in entry.get("text_attacks", ()):
        kind = re.sub(r"\W+", "_", f"accuracy_under_{attack['attack']}")
        name = f"accuracy under {attack['attack']}"
        results.append(result(kind, attack["accuracy"], name, examples=attack.get("examples")))
    return results


def _kind(run: dict[str, Any]) -> tuple[str, str]:
    return KINDS.get(run.get("kind", ""), KINDS["classification"])


def _text(run: dict[str, Any], entry: dict[str, Any] | None) -> str:
    config = run["config"]
    values: dict[str, Any] = {
        "home": HOME,
        "version": __version__,
        "method": config["method"],
        "task": run["task"],
        "model": config["model"],
        "train_examples": run["train_examples"],
        "seed": config["seed"],
        "options": ", ".join(f"{name} {value}" for name, value in config["options"].items()),
        "auto_model": _kind(run)[1],
        "own": config["model"] in SCRATCH,
        "training": [(name.replace("_", " "), config[name]) for name in TRAINING if config.get(name) not in (None, -1)],
        "measured": [],
        **(_measured(entry) if entry else {}),
    }
    values["training"].append(("seconds", f"{run['cost']['seconds']:.0f}"))
    if "processor" in run["cost"]:
        values["training"].append(("processor", run["cost"]["processor"]))
    values["training"].append(("arithmetic of a step, times a plain one", f"{run['cost']['flop_ratio']:.2f}"))
    environment = Environment(
        loader=PackageLoader("uegr.runs", "."),
        autoescape=False,  # noqa: S701  # Markdown: what matters in a cell is escaped by _cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_cell,
    )
    body = environment.get_template("model_card.md").render(values)
    return f"{BEGIN}\n# {run['task']}: {config['method']}\n\n{body}\n{END}"


def _measured(entry: dict[str, Any]) -> dict[str, Any]:
    curve = entry["robustness"]
    kind, epsilons, values = robust_curve(entry)
    settings = ", ".join(f"{curve[name]} {name}" for name in ("steps", "restarts", "examples") if name in curve)
    masking = entry.get("analysis", {}).get("gradient_masking", {})
    return {
        "measured": [(name, cell(entry)) for name, cell in measures([entry]).items() if not name.startswith("PGD")],
        "split": entry.get("split", "test"),
        "test_examples": entry.get("test_examples"),
        "attack": f"{curve['attack']}, {curve['norm']}, {'relative' if curve['relative'] else 'absolute'}, {settings}",
        "curve_name": kind.replace("_", " "),
        "curve": [(f"{one:g}", f"{100 * value:.1f}") for one, value in zip(epsilons, values, strict=True)],
        "attacks": [
            [
                one["attack"],
                str(one.get("examples", "–")),
                f"{100 * one['accuracy']:.1f}",
                f"{one.get('queries', 0):.0f}",
            ]
            for one in entry.get("text_attacks", ())
        ],
        "warnings": masking.get("reasons", []) if masking.get("flag") else [],
    }


def _cell(value: Any) -> str:
    """A value as Markdown that can break neither a table nor the page it is shown on."""
    return str(value).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
