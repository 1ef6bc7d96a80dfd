"""A method inside any subclass of the Hugging Face Trainer: put RobustTrainerMixin before it."""

import argparse

from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

from uegr import RDropConfig, RobustTrainerMixin


class CompanyTrainer(Trainer):
    """A trainer with a rule of its own."""

    def log(self, logs, *arguments):
        super().log({**logs, "team": "reviews"}, *arguments)


class RobustCompanyTrainer(RobustTrainerMixin, CompanyTrainer):
    """The same trainer with a method inside."""


parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", default="runs/any_trainer")
parser.add_argument("--max_steps", type=int, default=200)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=128), batched=True)
trainer = RobustCompanyTrainer(
    AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2),
    TrainingArguments(args.output_dir, max_steps=args.max_steps, logging_steps=10, report_to=[]),
    method=RDropConfig(kl_weight=1.0),
    train_dataset=train,
    processing_class=tokenizer,
)
trainer.train()
