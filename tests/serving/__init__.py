"""Tests of what exports are served to."""
