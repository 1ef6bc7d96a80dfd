"""One or two models answer as they do elsewhere, and the page takes no other number of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import bert, tokenizer
from support.playground_models import models_of_page
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.playground_models import Answer, open_models


def test_an_answer_names_the_most_probable_class() -> None:
    answer = Answer({"ham": 0.2, "spam": 0.7, "other": 0.1})
    assert (answer.label, answer.confidence) == ("spam", 0.7)


def test_each_model_gives_its_own_probabilities(evaluated: EvaluatedModel, other_evaluated: EvaluatedModel) -> None:
    first, second = models_of_page(evaluated, other_evaluated).answers(("good great film",))
    assert first.label == second.label == "good"
    assert list(first.probabilities.values()) == evaluated.probabilities_of([("good great film",)])[0].tolist()
    assert first.probabilities != second.probabilities


def test_the_comparison_tells_flips_from_what_stays(evaluated: EvaluatedModel) -> None:
    models = models_of_page(evaluated, evaluated)
    good, bad = Answer({"bad": 0.1, "good": 0.9}), Answer({"bad": 0.8, "good": 0.2})
    assert models.compare([good, good], [bad, good]) == "model-0: good becomes bad\nmodel-1: stays good"


def test_only_one_or_two_models_of_the_same_number_of_texts(evaluated: EvaluatedModel) -> None:
    with pytest.raises(UsageError, match="one or two models, not 3"):
        open_models([Path("a"), Path("b"), Path("c")])
    with pytest.raises(UsageError, match="'model-0' and 'model-1' read 1 and 2 texts"):
        models_of_page(evaluated, evaluated.reading(("first", "second")))


def test_anybodys_checkpoint_is_opened_with_its_classes(tmp_path: Path) -> None:
    model = bert()
    model.config.id2label, model.config.label2id = {0: "ham", 1: "spam"}, {"ham": 0, "spam": 1}
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    models = open_models([tmp_path, tmp_path], "premise", "hypothesis")
    assert models.text_columns == ("premise", "hypothesis")
    assert [list(answer.probabilities) for answer in models.answers(("the film", "good"))] == [["ham", "spam"]] * 2
