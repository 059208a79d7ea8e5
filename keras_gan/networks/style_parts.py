"""Parts of a style generator: from latents to styles, and from styles to images."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.layers import MeanStyle, NoiseInjection
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import computed, made_by


class StyleParts:
    """The two parts of a style generator: from latents to styles, and from styles to images.

    Neither is a model of its own: layers and weights are the generator's, which stays as it is.

    Args:
        generator: a Functional style generator, or a GAN of one.

    Attributes:
        network: the Functional model.
        image_shape: `(height, width, channels)`.
        style_shape: `(num_styles, style_dim)`.
        num_classes: number of classes where the mean style knows it, else `None`.
        noise_sides: `(height, width)` of each map of noise.
        noise_from: `"constant"`, `"latents"`, or `None`.

    Raises:
        TypeError: when it is no Functional model.
        ValueError: when it has no styles, or its images are of more than styles and noise.
    """

    def __init__(self, generator):
        self.network = getattr(generator, "sampling_network", generator)
        self._samples, self._styles = _outputs(self.network, generator)
        drawing, drawn_from = _behind(self._samples, stop=self._styles)
        mapping, mapped_from = _behind(self._styles)
        self._z, self._condition = _mapped(mapped_from)
        self._noise = _noise_input(drawn_from)
        self.image_shape = tuple(self._samples.shape[1:])
        self.style_shape = tuple(self._styles.shape[1:])
        means = (layer for layer, _ in mapping if isinstance(layer, MeanStyle))
        self.num_classes = next((mean.num_classes for mean in means), None)
        self.noise_sides, self.noise_from = [], None
        self._fixed = []
        for layer, inputs in drawing:
            if isinstance(layer, NoiseInjection):
                self.noise_sides.append(tuple(inputs[0].shape[1:3]))
                self._fixed.append(layer.fixed)
        if self.noise_sides:
            self.noise_from = "constant" if self._noise is None else "latents"
        self._check_noise()

    def _check_noise(self):
        given = self._noise is not None
        fits = [fixed is None for fixed in self._fixed] == [given] * len(self._fixed)
        if not fits or (given and self._noise.shape[1] != self.noise_size):
            raise ValueError(
                "Expected a generator whose noise is all constant, or all cut out of one vector "
                "among its latents. Received: a mixture, or a vector of another length"
            )

    @property
    def noise_size(self):
        """Return the length of the vector of all maps of noise of an image."""
        return sum(height * width for height, width in self.noise_sides)

    @property
    def latent_dim(self):
        """Return the length of the latents that styles are mapped from."""
        return self._z.shape[-1]

    def mapped(self, latents, condition=None):
        """Return the styles of latents, of shape `(batch, num_styles, style_dim)`."""
        known = {id(self._z): tf.convert_to_tensor(latents)}
        if self._condition is not None:
            known[id(self._condition)] = tf.convert_to_tensor(condition)
        return computed(self._styles, known, _called)

    def drawn(self, styles, noise=None):
        """Return the images of styles and noise, a vector for each image."""
        known = {id(self._styles): tf.convert_to_tensor(styles)}
        if self._noise is not None:
            known[id(self._noise)] = tf.convert_to_tensor(noise)
        if self._noise is not None or noise is None or not self.noise_sides:
            return computed(self._samples, known, _called)
        maps = iter(self.maps_of(noise))

        def call(layer, *inputs, **options):
            if isinstance(layer, NoiseInjection):
                return layer([inputs[0], next(maps)])
            return layer(*inputs, **options)

        return computed(self._samples, known, call)

    def maps_of(self, noise):
        """Return the maps, each `(batch, height, width, 1)`, that vectors of noise consist of."""
        sizes = [height * width for height, width in self.noise_sides]
        return [
            tf.reshape(part, (-1, *sides, 1))
            for part, sides in zip(tf.split(noise, sizes, axis=1), self.noise_sides, strict=True)
        ]

    def constant_noise(self):
        """Return the generator's constant maps as one vector."""
        return np.concatenate([np.ravel(keras.ops.convert_to_numpy(each)) for each in self._fixed])

    def checked_styles(self, styles):
        """Return styles as a float32 array, if they are the generator's."""
        styles = np.asarray(styles, np.float32)
        if styles.shape[1:] != self.style_shape or not len(styles):
            raise ValueError(
                f"Expected `styles` of shape (n, {', '.join(map(str, self.style_shape))}), one for "
                f"each layer. Received: styles of shape {styles.shape}"
            )
        return styles

    def checked_noise(self, noise, count):
        """Return noise as a float32 array of so many rows, if it is the generator's."""
        if noise is None and self.noise_from != "latents":
            return None
        shape = None if noise is None else np.shape(noise)
        if shape not in ((1, self.noise_size), (count, self.noise_size)) or not self.noise_sides:
            wanted = f"of shape ({count}, {self.noise_size})" if self.noise_sides else "as None"
            raise ValueError(
                f"Expected `noise` {wanted}: all maps of an image in one vector. "
                f"Received: noise={shown(noise)}"
            )
        return np.broadcast_to(np.asarray(noise, np.float32), (count, self.noise_size))

    def checked_condition(self, condition, count):
        """Return the condition of so many images as an array, or `None` where there is none."""
        if self._condition is None and condition is None:
            return None
        if self._condition is None:
            raise ValueError(
                "Expected no `condition`: the generator has latents alone. "
                f"Received: condition={shown(condition)}"
            )
        if condition is None:
            raise ValueError(
                "Expected `condition`, of each image: the generator maps latents and a condition "
                "to styles, and without one there are no styles to start from. "
                "Received: condition=None"
            )
        array, shape = np.asarray(condition), tuple(self._condition.shape[1:])
        fits = array.shape in (shape, (1, *shape), (count, *shape))
        whole = array.dtype.kind in "iu" or shape
        if not fits or not whole or array.dtype.kind not in "iufb":
            what = f"vectors of {shape[0]} numbers" if shape else "whole numbers"
            raise ValueError(
                f"Expected `condition` to be {what}: one, or {count}, one for each image. "
                f"Received: condition of shape {array.shape}, dtype {array.dtype}"
            )
        self._check_range(array, shape)
        dtype = np.float32 if shape else np.int32
        return np.broadcast_to(array.astype(dtype), (count, *shape))

    def _check_range(self, array, shape):
        if shape:
            if not np.isfinite(array).all():
                raise ValueError("Expected a finite `condition`. Received: one that is not")
        elif array.min() < 0 or (self.num_classes and array.max() >= self.num_classes):
            classes = f"in [0, {self.num_classes})" if self.num_classes else "of at least 0"
            raise ValueError(f"Expected labels {classes}. Received: one out of this range")


def _called(layer, *inputs, **options):
    return layer(*inputs, **options)


def _outputs(network, given):
    """Return the symbolic samples and styles of a generator."""
    functional = isinstance(network, keras.Model) and hasattr(network, "operations")
    if not functional:
        raise TypeError(
            "Expected `generator` to be a Functional Keras model, or a GAN of one. "
            f"Received: generator={shown(given)}"
        )
    outputs = network.output
    if not isinstance(outputs, dict) or not {"samples", "styles"} <= outputs.keys():
        raise ValueError(
            'Expected a style generator, which returns a dict with "samples" and "styles", as '
            f"`networks.stylegan2` does. Received: {network.name!r} without styles"
        )
    if len(outputs["styles"].shape) != 3:
        raise ValueError(
            "Expected styles of shape (batch, num_styles, style_dim). "
            f"Received: styles of shape {outputs['styles'].shape}"
        )
    return outputs["samples"], outputs["styles"]


def _behind(tensor, stop=None):
    """Return the calls that make a symbolic tensor, in their order, and the Inputs they go back to.

    Args:
        tensor: where to begin.
        stop: a symbolic tensor that is not looked behind.

    Returns:
        List of `(layer, inputs)`, and a list of symbolic tensors.
    """
    calls, sources, seen = [], [], set()

    def visit(each):
        layer, inputs, _ = made_by(each)
        if each is stop or id(each) in seen:
            return
        seen.add(id(each))
        for one in inputs:
            visit(one)
        if inputs:
            calls.append((layer, inputs))
        else:
            sources.append(each)

    visit(tensor)
    return calls, sources


def _mapped(sources):
    """Return the latents and the condition, or `None`, that styles are mapped from."""
    labels = [each for each in sources if "int" in each.dtype and len(each.shape) == 1]
    vectors = [each for each in sources if "float" in each.dtype and len(each.shape) == 2]
    told = labels + [each for each in vectors if each.name == "condition"]
    latents = [each for each in vectors if each.name != "condition"]
    if len(latents) != 1 or len(told) > 1 or len(latents + told) < len(sources):
        raise ValueError(
            "Expected styles that are mapped from a vector of latents, or from one and an integer "
            'label or a vector named "condition". '
            f"Received: styles of inputs {[each.name for each in sources]}"
        )
    return latents[0], told[0] if told else None


def _noise_input(sources):
    """Return the Input of noise that images are drawn from beside styles, or `None`."""
    others = [each for each in sources if each.name != "noise" or len(each.shape) != 2]
    if others:
        raise ValueError(
            'Expected samples that depend on the styles alone, or on latents named "noise" too. '
            f"Received: samples of inputs {[each.name for each in others]} beside the styles"
        )
    return sources[0] if sources else None
