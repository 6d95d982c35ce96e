"""Reading answers: numbers, code, and what became of a sample."""
