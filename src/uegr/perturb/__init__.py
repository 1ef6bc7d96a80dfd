"""Text itself: its words, typing errors, synonyms. Beside `tasks`, below everything that trains or attacks."""
