"""Data: elements, conditions, and what the networks take and return."""
