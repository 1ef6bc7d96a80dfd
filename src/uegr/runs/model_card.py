"""The model card of a run: README.md in Hugging Face's format, with its numbers in `model-index`.

The text between the two marker lines is written again whenever something new is measured. What a person has written
around it, and fields of the header that uegr does not set, stay.
"""

import re
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from uegr import __version__
from uegr.atomic_files import write_text
from uegr.errors import UsageError
from uegr.evaluation.area_under_curve import curve_area
from uegr.modeling.embedded_model import EMBEDDED_MODEL, HUB_NAME
from uegr.modeling.model_loading import AUTO_CLASSES
from uegr.modeling.scratch.scratch_models import SCRATCH
from uegr.runs.evaluation_notes import length_line
from uegr.runs.result_parts import TRAINED_ON
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import CARD, RESULTS, read_run
from uegr.runs.run_result import RunResult
from uegr.runs.run_table import cells_by_heading
from uegr.runs.text_attack_notes import cosine, mark_note, percent, similarity_limit

BEGIN, END = "<!-- uegr: begin -->", "<!-- uegr: end -->"
HOME = "https://arxiv.org/abs/2503.16550"
HUB_TASKS = {"token": "token-classification", "causal_lm": "text-generation", "seq2seq": "translation"}
"""Name of each kind of task on the hub; all other kinds are called text-classification."""
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
    """Write or renew the card of a finished run, from its run.json and, where there is one, its results.json.

    Returns:
        The card's path.
    """
    run = read_run(folder)
    result = read_results(folder)[0] if (folder / RESULTS).is_file() else None
    path = folder / CARD
    text = _text(run, result)
    header = _header(folder, run, result)
    if path.is_file():
        try:
            former: Any = ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=False)
        except Exception as error:  # whatever the header's parser raises
            raise UsageError(f"the header of '{path}' cannot be read ({error}): fix it, or remove the file.") from error
        kept = former.data.to_dict()
        kept.pop("model-index", None)  # else ModelCardData reads the former measurement in place of `eval_results`
        header = {**kept, **header}
        text = _merged(former.text, text)
    data = ModelCardData(**header)
    write_text(path, f"---\n{data.to_yaml()}\n---\n\n{text.strip()}\n")
    return path


def _merged(former: str, generated: str) -> str:
    """Return the former text with its generated part replaced, or with that part added at its end."""
    if BEGIN not in former or END not in former:
        return f"{former.strip()}\n\n{generated}" if former.strip() else generated
    before, rest = former.split(BEGIN, 1)
    return before + generated + rest.split(END, 1)[1]


def _header(folder: Path, run: dict[str, Any], result: RunResult | None) -> dict[str, Any]:
    config = run["config"]
    base = HUB_NAME if config["model"] == EMBEDDED_MODEL else config["model"]
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": _hub_task(run),
        "tags": ["uegr", "robustness", f"method:{config['method']}"],
        "model_name": folder.resolve().name,
    }
    if re.fullmatch(r"[\w.-]+/[\w.-]+", base) and not Path(base).exists():
        header["base_model"] = base
    if result is not None:
        header["eval_results"] = eval_results(result, _hub_task(run))
    return header


def eval_results(result: RunResult, task_type: str = "text-classification") -> list[EvalResult]:
    """Return the entries of `model-index`: metrics, robustness curve and its area, accuracy under text attacks."""

    def entry(kind: str, value: float, name: str, split: str | None = result.split, **arguments: Any) -> EvalResult:
        return EvalResult(
            task_type=task_type,
            dataset_type=re.sub(r"[^\w.-]+", "-", result.task).lower(),
            dataset_name=result.task,
            dataset_split=split,
            metric_type=kind,
            metric_value=value,
            metric_name=name,
            metric_args=arguments or None,
        )

    entries = [entry(name, value, name.replace("_", " ")) for name, value in result.metrics.items()]
    curve = result.robustness
    settings = curve.settings("norm", "relative", "steps", "restarts", "examples")
    for epsilon, value in zip(curve.epsilons, curve.values, strict=True):
        if epsilon:
            name = f"{curve.metric} under {curve.attack}, epsilon {epsilon:g}"
            entries.append(entry(f"robust_{curve.metric}_{epsilon:g}", value, name, epsilon=epsilon, **settings))
    area = curve_area(curve.epsilons, curve.values)
    start = f"from {curve.epsilons[0]:g} " if curve.epsilons[0] else ""
    name = f"mean {curve.metric} over epsilon {start}up to {curve.epsilons[-1]:g}"
    entries.append(entry("robust_area", area, name, **settings))
    for attack in result.text_attacks:
        kind, split = re.sub(r"\W+", "_", f"accuracy_under_{attack.key}"), attack.split or result.split
        name = f"accuracy under {attack.title}" + (f", {TRAINED_ON}" if attack.trained_on else "")
        entries.append(entry(kind, attack.accuracy, name, split, examples=attack.examples))
    return entries


def _hub_task(run: dict[str, Any]) -> str:
    return HUB_TASKS.get(run.get("kind", ""), "text-classification")


def _text(run: dict[str, Any], result: RunResult | None) -> str:
    config, cost = run["config"], run["cost"]
    training = [(name.replace("_", " "), config[name]) for name in TRAINING if config.get(name) not in (None, -1)]
    training.append(("seconds", f"{cost['seconds']:.0f}"))
    if "processor" in cost:
        training.append(("processor", cost["processor"]))
    if cost.get("flop_ratio") is not None:
        training.append(("FLOPs of a step, as a multiple of a plain step", f"{cost['flop_ratio']:.2f}"))
    values: dict[str, Any] = {
        "home": HOME,
        "version": __version__,
        "method": config["method"],
        "task": run["task"],
        "model": config["model"],
        "train_examples": run["train_examples"],
        "seed": config["seed"],
        "options": ", ".join(f"{name} {value}" for name, value in config["options"].items()),
        "auto_model": AUTO_CLASSES[run.get("kind", "classification")].__name__,
        "from_scratch": config["model"] in SCRATCH,
        "training": training,
        "measured": [],
        **(_measured(result) if result else {}),
    }
    environment = Environment(
        loader=PackageLoader("uegr.runs", "."),
        autoescape=False,  # noqa: S701  # Markdown: _cell escapes what matters in a cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_cell,
    )
    body = environment.get_template("model_card.md").render(values)
    return f"{BEGIN}\n# {run['task']}: {config['method']}\n\n{body}\n{END}"


def _measured(result: RunResult) -> dict[str, Any]:
    curve = result.robustness
    settings = ", ".join(f"{value} {name}" for name, value in curve.settings("steps", "restarts", "examples").items())
    cells = cells_by_heading([result]).items()
    return {
        "measured": [(name, cell(result)) for name, cell in cells if not name.startswith("PGD")],
        "notes": [note for note in (mark_note([result]), length_line(result)) if note],
        "split": result.split or "test",
        "test_examples": result.test_examples,
        "attack": f"{curve.attack}, {curve.norm}, {'relative' if curve.relative else 'absolute'}, {settings}",
        "curve_name": curve.metric.replace("_", " "),
        "curve": [
            (f"{epsilon:g}", f"{100 * value:.1f}") for epsilon, value in zip(curve.epsilons, curve.values, strict=True)
        ],
        "attacks": [
            [
                attack.title + (f", {TRAINED_ON}" if attack.trained_on else ""),
                "–" if attack.examples is None else str(attack.examples),
                f"{100 * attack.accuracy:.1f}",
                percent(attack.words_changed),
                cosine(attack.similarity) + similarity_limit(attack),
                "–" if attack.queries is None else f"{attack.queries:.0f}",
            ]
            for attack in result.text_attacks
        ],
        "warnings": result.masking_reasons,
    }


def _cell(value: Any) -> str:
    """Return a value as Markdown that can break neither a table nor the page it is shown on."""
    return str(value).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
