"""Data to train on: toys, digits, glyphs, photographs, tfds image datasets, folders, arrays.

Every dataset made here is a `tf.data.Dataset` of `x` or `(x, condition)` whose order is a function
of (seed, epoch): each pass is the next epoch, and `dataset.seek(epoch)` makes the next pass be
that epoch, in any process. `map` and `zip` keep that, `unpaired` gives it to domains without pairs.
"""

from keras_gan.datasets import degrade
from keras_gan.datasets.arrays import from_arrays
from keras_gan.datasets.digits import load_digits
from keras_gan.datasets.domains import unpaired
from keras_gan.datasets.folder import from_folder
from keras_gan.datasets.jittering import jitter
from keras_gan.datasets.loading import load
from keras_gan.datasets.mapping import map
from keras_gan.datasets.pairs import from_folders, from_side_by_side
from keras_gan.datasets.photographs import load_photos, patches
from keras_gan.datasets.sounds import from_sounds
from keras_gan.datasets.toy import Gaussian, Grid, Mixture, Ring
from keras_gan.datasets.typefaces import glyphs, load_glyphs, load_typefaces
from keras_gan.datasets.zipping import zip

__all__ = [
    "Gaussian",
    "Grid",
    "Mixture",
    "Ring",
    "degrade",
    "from_arrays",
    "from_folder",
    "from_folders",
    "from_side_by_side",
    "from_sounds",
    "glyphs",
    "jitter",
    "load",
    "load_digits",
    "load_glyphs",
    "load_photos",
    "load_typefaces",
    "map",
    "patches",
    "unpaired",
    "zip",
]
