"""What is told of work while it runs, for people and for programs."""
