# SystemExit while it is defined.
raise SystemExit(0)
