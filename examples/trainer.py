"""UEGR in the Hugging Face Trainer: UEGRTrainer instead of Trainer, and a configuration.

python examples/trainer.py --model sentence-transformers/all-MiniLM-L6-v2 --train_file examples/reviews.csv
"""

import argparse

from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainingArguments

from uegr import UEGRConfig, UEGRTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", default="runs/trainer")
parser.add_argument("--max_steps", type=int, default=200)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2)
train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=128), batched=True)

trainer = UEGRTrainer(
    model,
    TrainingArguments(args.output_dir, max_steps=args.max_steps, learning_rate=1e-4, logging_steps=10, report_to=[]),
    method=UEGRConfig(passes=2, epsilon=0.06),
    train_dataset=train,
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model()  # a plain Hugging Face model, and method_config.json beside it

print(UEGRConfig.from_pretrained(args.output_dir))
