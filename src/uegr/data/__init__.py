"""Data: from a task's name or a user's file to text, labels and splits."""
