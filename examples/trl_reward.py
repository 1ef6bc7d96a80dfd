"""A reward model in TRL that is trained by UEGR: RobustTrainerMixin before RewardTrainer. Needs `pip install trl`."""

import argparse

import torch
from datasets import Dataset, load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

from uegr import RobustTrainerMixin, UEGRConfig


class RobustRewardTrainer(RobustTrainerMixin, RewardTrainer):
    """RewardTrainer whose loss is computed on an adversarial sample in several passes, which must agree."""


parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", default="runs/reward")
parser.add_argument("--max_steps", type=int, default=100)
args = parser.parse_args()

# Preferences made of labelled reviews: a good one is chosen, a bad one is rejected.
reviews = load_dataset("csv", data_files=args.train_file, split="train")
good, bad = (reviews.filter(lambda row, label=label: row["label"] == label)["text"][:] for label in (1, 0))
size = min(len(good), len(bad))
train = Dataset.from_dict({"chosen": good[:size], "rejected": bad[:size]})

tokenizer = AutoTokenizer.from_pretrained(args.model)
tokenizer.eos_token = tokenizer.eos_token or tokenizer.sep_token  # TRL ends every text with it
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=1, ignore_mismatched_sizes=True)
model.config.pad_token_id = tokenizer.pad_token_id
trainer = RobustRewardTrainer(
    model=model,
    args=RewardConfig(
        args.output_dir,
        max_steps=args.max_steps,
        max_length=64,
        logging_steps=10,
        report_to=[],
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
    ),
    method=UEGRConfig(),
    train_dataset=train,
    processing_class=tokenizer,
)
print({name: round(value, 4) for name, value in trainer.train().metrics.items()})
