"""Runs: `fit`, and going on after an interruption."""
