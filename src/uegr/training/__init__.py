"""Training: the Hugging Face Trainer with a method inside, and one whole run from data to checkpoint."""
