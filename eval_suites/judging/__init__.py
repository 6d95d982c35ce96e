"""Questions for a judge, the reading of its verdicts, and length control."""
