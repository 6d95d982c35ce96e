"""On-policy data: responses of a checkpoint, scored, in the format that training reads."""
