"""The command line: what people and schedulers call."""
