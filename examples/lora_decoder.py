"""UEGR with LoRA on a decoder: a language model is fine-tuned on text; only the adapters are trained."""

import argparse

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, TrainingArguments

from uegr import UEGRConfig, UEGRTrainer, check

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="HuggingFaceTB/SmolLM2-135M")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", default="runs/lora")
parser.add_argument("--max_steps", type=int, default=200)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
base = AutoModelForCausalLM.from_pretrained(args.model)
model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=8, target_modules="all-linear"))
print(check(model))  # what was found: embeddings, places for dropout, head, weights

train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=256), batched=True)
trainer = UEGRTrainer(
    model,
    TrainingArguments(args.output_dir, max_steps=args.max_steps, learning_rate=2e-4, report_to=[]),
    method=UEGRConfig(passes=1, reuse=True),  # twice the arithmetic of plain fine-tuning
    train_dataset=train.remove_columns(["text", "label"]),
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    processing_class=tokenizer,
)
trainer.train()
model.save_pretrained(args.output_dir)
