"""Every suite against its gold: right responses score 1, wrong twins 0."""
