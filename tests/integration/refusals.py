"""Compiled models to refuse things, and the check that an error says what it should."""

import re

from . import small

X = small.points(16)
Y = small.labels(16)


def compiled(model=None, **options):
    model = model or small.gan()
    model.compile(**{"run_eagerly": True, **options})
    return model


def labelled(**options):
    return compiled(small.gan(classes=3), **options)


def assert_says(error, texts):
    for text in texts:
        assert re.search(text, str(error)), f"{text!r} is not in: {error}"
