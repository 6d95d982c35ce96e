"""Answers that files hold: scored again, checked by others, written for other tools."""
