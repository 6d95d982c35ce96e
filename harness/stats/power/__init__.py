"""How many samples or seeds a difference takes to be seen."""
