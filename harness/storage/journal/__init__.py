"""The journal of answers, checks and verdicts, its file, and what keeps it well."""
