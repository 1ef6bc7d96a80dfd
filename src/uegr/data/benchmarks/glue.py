"""GLUE (Wang et al. 2019): nine tasks, MNLI with its two evaluation sets."""

from __future__ import annotations

from collections.abc import Mapping

from uegr.data.task import GLUE_RULE, Hub, Task

NLI = ("entailment", "neutral", "contradiction")
ENTAILMENT = ("entailment", "not_entailment")


def _hub(configuration: str, splits: Mapping[str, str] | None = None) -> Hub:
    return Hub(path="nyu-mll/glue", configuration=configuration, splits=splits or {})


GLUE: dict[str, Task] = {
    "cola": Task(
        text=("sentence",),
        labels=("unacceptable", "acceptable"),
        metrics=("matthews", "accuracy"),
        splits=GLUE_RULE,
        rows={"train": 8551, "validation": 1043, "test": 1063},
        hub=_hub("cola"),
        source="github nyu-mll/CoLA-baselines, amrnag/Specialized-Transformers",
        cite="Warstadt et al. 2019, TACL",
        licence="none stated; released by NYU for research",
        note="18 of the validation sentences are in train, as published",
    ),
    "sst2": Task(
        text=("sentence",),
        labels=("negative", "positive"),
        family="sentiment",
        splits=GLUE_RULE,
        rows={"train": 67349, "validation": 872, "test": 1821},
        hub=_hub("sst2"),
        source="github eyalbd2/Reproducing-AutoPrompt",
        cite="Socher et al. 2013, EMNLP",
        licence="none stated; research use",
        note="shares sentences with rotten_tomatoes and sst5",
    ),
    "mrpc": Task(
        text=("sentence1", "sentence2"),
        labels=("not_equivalent", "equivalent"),
        metrics=("f1", "accuracy"),
        family="paraphrase",
        rows={"train": 3668, "validation": 408, "test": 1725},
        hub=_hub("mrpc"),
        source="github wasiahmad/paraphrase_identification, ju-resplande/PLUE",
        cite="Dolan & Brockett 2005, IWP",
        licence="Microsoft Shared Source License; research use",
    ),
    "qqp": Task(
        text=("question1", "question2"),
        labels=("not_duplicate", "duplicate"),
        metrics=("f1", "accuracy"),
        family="paraphrase",
        splits=GLUE_RULE,
        rows={"train": 363846, "validation": 40430, "test": 390965},
        hub=_hub("qqp"),
        source="hub only; quora_bimpm is another split of the same questions",
        cite="Iyer et al. 2017, Quora",
        licence="Quora terms (non-commercial)",
    ),
    "stsb": Task(
        text=("sentence1", "sentence2"),
        kind="regression",
        metrics=("pearson", "spearman"),
        splits=GLUE_RULE,
        rows={"train": 5749, "validation": 1500, "test": 1379},
        hub=_hub("stsb"),
        source="github zhangzhenhu/Semantic-Texual-Similarity-Toolkits",
        cite="Cer et al. 2017, SemEval",
        licence="scores CC BY-SA 4.0; texts mixed",
        note="scores from 0 to 5",
    ),
    "mnli": Task(
        text=("premise", "hypothesis"),
        labels=NLI,
        family="nli",
        splits=GLUE_RULE,
        rows={"train": 392702, "validation": 9815},
        hub=_hub("mnli", {"validation_matched": "validation"}),
        source="hub only",
        cite="Williams et al. 2018, NAACL",
        licence="OANC and others, free for research",
        note="the matched validation set is the test set",
    ),
    "mnli_mm": Task(
        text=("premise", "hypothesis"),
        labels=NLI,
        family="nli",
        splits=GLUE_RULE,
        rows={"train": 392702, "validation": 9832},
        hub=_hub("mnli", {"validation_mismatched": "validation"}),
        source="hub only",
        cite="Williams et al. 2018, NAACL",
        licence="OANC and others, free for research",
        note="the mismatched validation set is the test set",
    ),
    "qnli": Task(
        text=("question", "sentence"),
        labels=ENTAILMENT,
        family="answer",
        splits=GLUE_RULE,
        rows={"train": 104743, "validation": 5463, "test": 5463},
        local_rows={"validation": 5463, "test": 5463},
        hub=_hub("qnli"),
        source="github jonny-vr/LLMCBench",
        cite="Rajpurkar et al. 2016, EMNLP",
        licence="derived from SQuAD, CC BY-SA 4.0",
        stand_in="wikiqa",
    ),
    "rte": Task(
        text=("sentence1", "sentence2"),
        labels=ENTAILMENT,
        family="nli",
        splits=GLUE_RULE,
        rows={"train": 2490, "validation": 277, "test": 3000},
        hub=_hub("rte"),
        source="github marcwww/nlu_eval",
        cite="Dagan et al. 2006; Bentivogli et al. 2009",
        licence="none stated; PASCAL/TAC RTE, research use",
    ),
    "wnli": Task(
        text=("sentence1", "sentence2"),
        labels=("not_entailment", "entailment"),
        family="nli",
        splits=GLUE_RULE,
        rows={"train": 635, "validation": 71, "test": 146},
        hub=_hub("wnli"),
        source="github amrnag/Specialized-Transformers",
        cite="Levesque et al. 2012, KR",
        licence="none stated; Winograd schemas are CC BY 4.0",
        note="71 test examples, built so that the training labels mislead: published results leave it out",
    ),
}
