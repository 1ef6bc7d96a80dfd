"""A new method in some 25 lines: a stage, its options, and a configuration that names both.

The method: Gaussian noise on the token embeddings, scaled to their mean norm.
"""

import argparse
from dataclasses import dataclass

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from uegr import MethodConfig
from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.model_pass import forward_pass
from uegr.methods.register_method import register
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.real_tokens import token_mask
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class NoiseOptions(Options):
    """Options of `NoiseForward`."""

    sigma: float = option(0.05, "size of the noise, relative to the mean embedding norm", above=0)


class NoiseForward(ForwardStage):
    """The task's loss on noisy embeddings."""

    options_class = NoiseOptions
    perturbs = True

    def __call__(self, model, batch, step):
        mask, scale = token_mask(batch), embedding_scale(model)
        noise = torch.randn(*mask.shape[:2], scale.width, generator=step.generator).to(mask.device)
        delta = self.options.sigma * scale.norm * mask * noise / scale.width**0.5
        logits = forward_pass(model, batch, step, delta=delta)
        task = step.task(model, logits, batch)
        return Loss(task.mean(task.loss(logits), step.num_items))


@register("gaussian-noise", forward=NoiseForward)
class NoiseConfig(MethodConfig, NoiseOptions):
    """Gaussian noise on the embeddings."""


def main() -> None:
    """Train on two sentences, in a loop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2).train()
    batch = tokenizer(["a warm and funny film", "a dull and lifeless film"], padding=True, return_tensors="pt")
    batch["labels"] = torch.tensor([1, 0])

    method = NoiseConfig(sigma=0.1).attach(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=1e-4))
    for _ in range(args.steps):
        method.loss(batch).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    print(NoiseConfig.summary(), f"Loss of the last step: {method.loss(batch).item():.3f}")


if __name__ == "__main__":  # not when uegr --code imports this file
    main()
