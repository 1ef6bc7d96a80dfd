"""Which edits of texts the weights of a run were trained on: by the run, by runs before it, and by a hardening."""

from typing import Any

from uegr.errors import UsageError
from uegr.modeling.model_loading import folder_of_model
from uegr.perturb.views import trained_attacks
from uegr.runs.run_folder import HARDENING, RUN, read_run


def earlier_training(model: str) -> dict[str, Any]:
    """Return what run.json says of the training before: "hardening" and "earlier_views"; empty if nothing is known.

    Args:
        model: what a training starts from: the folder of a run or of `uegr harden`, or any other model.

    Raises:
        UsageError: the hardening is not finished, or its hardening.json is damaged.
    """
    folder = folder_of_model(model)
    if folder is None:
        return {}
    if (folder / HARDENING).is_file():
        record = read_run(folder, HARDENING)
        if not record.get("finished"):
            raise UsageError(
                f"'{model}' is not hardened yet: finish with uegr harden ... --output_dir {model} --resume."
            )
        if "edits" not in record["config"] or "cost" not in record:
            raise UsageError(f"'{folder / HARDENING}' lacks config.edits or cost: harden again with --overwrite.")
        edits, cost = record["config"]["edits"], record["cost"]
        hardening = {"edits": edits, "texts": cost["texts"], "seconds": cost["seconds"]}
        return {"hardening": hardening, "earlier_views": [edits, *record.get("earlier_views", ())]}
    if (folder / RUN).is_file():
        record = read_run(folder)
        hardening = {"hardening": record["hardening"]} if "hardening" in record else {}
        return {**hardening, "earlier_views": views_trained_on(record)}
    return {}


def views_trained_on(record: dict[str, Any]) -> list[str | None]:
    """The views that the weights of a run have read; None stands for those of an earlier version, which are not known.

    Args:
        record: the content of its run.json.
    """
    hardening = record.get("hardening")
    before = record.get("earlier_views", [hardening["edits"]] if hardening else [])
    return [*record.get("views", record["config"]["options"].get("views", [None])), *before]


def is_trained_on(attack: str, record: dict[str, Any]) -> bool | None:
    """Whether the weights of a run were trained on edits of the kind that an attack makes; None if it is not known.

    Args:
        attack: its name.
        record: the content of the run's run.json.
    """
    views = views_trained_on(record)
    if attack in trained_attacks(view for view in views if view is not None):
        return True
    return None if None in views else False
