"""The kinds of task, one class each: their loss, divergence, confidence and metrics."""
