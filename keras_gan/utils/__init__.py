"""Utilities: arguments, files, tensors, replicas and registries."""
