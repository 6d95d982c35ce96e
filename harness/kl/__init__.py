"""How far a checkpoint has moved from its reference, on answers of its own (`kl:SUITE`)."""
