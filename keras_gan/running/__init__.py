"""Training runs: `fit`, and resuming after an interruption."""
