"""Exports: directories that a model server takes as they are."""

from keras_gan.export.digests import verify
from keras_gan.export.exporter import export

__all__ = ["export", "verify"]
