"""Tests of the whole: what a user does with a model from the first batch to the export."""
