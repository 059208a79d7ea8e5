"""Saving and loading of a GAN: complete state, atomic writes, untrusted archives."""

import contextlib
import pathlib
import warnings

import keras
import numpy as np

from keras_gan.metrics import serialization
from keras_gan.utils import archives, files, keras_internals, loading, seals
from keras_gan.utils.kept import kept
from keras_gan.workers import is_chief

# Where Keras finds functions by their bare names.
_BUILTIN = keras.activations, keras.initializers, keras.regularizers, keras.constraints


class Saving:
    """The configs of a `GAN`, and atomic writes of its files."""

    def save(self, filepath, overwrite=True, **kwargs):
        """Save the model, its optimizers and all state of training to a `.keras` file.

        The write is atomic: to a temporary file that is renamed when complete, so an interrupted
        save leaves the previous file. Of several workers, only the chief writes. Classes of your
        own that are not registered are warned of: the file can't be loaded without them.

        Args:
            filepath: path that ends in `.keras`.
            overwrite: whether to replace an existing file without asking.
            **kwargs: as `keras.Model.save`.

        Raises:
            ValueError: for a path of one of Keras's old formats, which hold no two networks.
        """
        filepath = files.path_of("filepath", filepath)
        if not filepath.endswith(".keras") and kwargs.get("zipped") is not False:
            raise ValueError(
                "Expected a path that ends in `.keras`: the old formats hold a single network. To "
                "save weights alone, `save_weights` takes a path that ends in `.weights.h5`; for "
                f"a server, `export`. Received: filepath={filepath!r}"
            )
        if not is_chief(self):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What is left out, `super().save` tells.
            configs = self.get_config(), self.get_compile_config()
        _warn_of_unknown([_named(type(self)), *configs])
        with _writing(filepath, overwrite) as path:
            super().save(str(path), overwrite=overwrite, **kwargs)

    def save_weights(self, filepath, overwrite=True, every_worker=False, **kwargs):
        """Save all weights and state, without the architecture, to a `.weights.h5` file.

        Args:
            filepath: path that ends in `.weights.h5`.
            overwrite: whether to replace an existing file without asking.
            every_worker: whether each of several workers writes, to a path of its own; by default
                only the chief does.
            **kwargs: as `keras.Model.save_weights`.
        """
        filepath = files.path_of("filepath", filepath)
        if not filepath.endswith((".weights.h5", ".weights.json")):
            raise ValueError(
                "Expected a path that ends in `.weights.h5`; the whole model is saved by `save`. "
                f"Received: filepath={filepath!r}"
            )
        if not (every_worker or is_chief(self)):
            return
        with _writing(filepath, overwrite) as path:
            plain = path != filepath and str(path).endswith(".weights.h5")
            if plain and self.built and not kwargs:
                content = keras_internals.weights_file(self)
                with open(path, "wb") as file:
                    file.write(seals.of(content))
                    file.write(content)
            else:
                super().save_weights(str(path), overwrite=overwrite, **kwargs)
                if overwrite and "://" not in filepath and filepath.endswith(".json"):
                    archives.seal_shards(path)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Load weights and state from a `.weights.h5` or `.keras` file: all of it, or nothing.

        Args:
            filepath: the file.
            skip_mismatch: whether to skip, with a warning, what does not fit: the state of other
                optimizers, say.
            **kwargs: as `keras.Model.load_weights`.

        Raises:
            ValueError: when the file is missing, damaged or does not fit; the model then keeps
                the values it had, as it does after Ctrl-C. A file of a model that was not compiled
                fits any optimizers, and leaves them as they are.
        """
        filepath = files.path_of("filepath", filepath)
        if not filepath.endswith((".weights.h5", ".keras", ".weights.json")):
            raise ValueError(
                "Expected a path that ends in `.weights.h5`, as `save_weights` writes it, or in "
                f"`.keras`. Received: filepath={filepath!r}"
            )
        try:
            with loading.local(filepath) as path:
                found = archives.check(path)
                # A file of a model that was not compiled leaves the optimizers as they are.
                has_optimizers = any("_optimizer/" in name for name in found)
                whole = has_optimizers and not skip_mismatch
                with kept(self._saved_variables), loading.optimizers_whole(whole):
                    super().load_weights(path, skip_mismatch=skip_mismatch, **kwargs)
        except Exception as error:  # Of a file that anyone may have made.
            raise ValueError(
                f"The file {str(filepath)!r} does not fit this model: it is damaged, or was saved "
                "from other networks, optimizers or terms. The model keeps the values it had. "
                "Build and compile it as it was when saved, or load the whole model with "
                f"`keras_gan.load_model`. The reason: {error!s:.600}"
            ) from error

    @property
    def _saved_variables(self):
        """All that a file holds: networks, average, terms, random state and optimizers."""
        optimizers = self.optimizer.optimizers if self.compiled else []
        return [*self.variables, *(v for optimizer in optimizers for v in optimizer.variables)]

    def save_own_variables(self, store):
        """Save what Keras leaves out: the seed states of layers, and what the networks are."""
        store["networks"] = np.frombuffer(self._shapes().encode(), np.uint8)
        store["has_average"] = np.array(self.average is not None)
        for index, state in enumerate(self.seed_states):
            store[f"seed_state_{index}"] = state.numpy()

    def load_own_variables(self, store):
        """Load the seed states of layers, of the networks that were saved.

        Raises:
            ValueError: when the file is of other networks. Keras by itself would load a file of
                more layers than the model has without a word.
        """
        if "networks" not in store:
            raise ValueError(
                "Expected a file of a GAN. This one is of another model: that of one network is "
                "loaded by `model.generator.load_weights(...)`"
            )
        saved = bytes(np.asarray(store["networks"])).decode("ascii")
        if saved != self._shapes():
            raise ValueError(
                f"Expected networks with weights of shapes {self._shapes():.300}. "
                f"Received: {saved:.300}"
            )
        if self.average is None and "has_average" in store and np.asarray(store["has_average"]):
            raise ValueError(
                "Expected a file without an averaged generator, as the model has none. The file "
                "has one, which its samples came from: call `compile(ema=...)` as before it was "
                "saved, then load"
            )
        for index, state in enumerate(self.seed_states):
            state.assign(store[f"seed_state_{index}"])

    def _shapes(self):
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        shapes = {name: [tuple(v.shape) for v in n.weights] for name, n in networks.items()}
        return repr({**shapes, "layers that draw random numbers": len(self.seed_states)})

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        """Name for `tf.train.Checkpoint` what Keras keeps in lists, which it can't see."""
        children = super()._trackable_children(save_type, **kwargs)
        if self.average:
            children["average"] = self.average
        if self.game and self.game.replay:
            children["replay"] = self.game.replay
        children.update({f"term_{term.name}": term for term in self.terms})
        # Those inside others by themselves: a Sequential knows its layers only once it has run.
        augmentation = self.game.augmentation if self.game else None
        layers = [*augmentation.layers, *augmentation.following] if augmentation else []
        layers = enumerate(layers)
        children.update({f"augmentation_{i}": layer for i, layer in layers})
        return children

    def get_config(self):
        """Return the constructor's arguments, networks included, and the average."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "latents": serialize(self.latents),
            "conditional": self.condition.conditional,
            "seed": self.random_state.start,
            "num_classes": self.num_classes,
            "generator_condition": self.condition.keys["generator"],
            "discriminator_condition": self.condition.keys["discriminator"],
            "value_range": self.range.given,
            # Not of the constructor, yet samples come from it whether the model is compiled or not.
            "average": keras.saving.serialize_keras_object(self.average),
            "standing": self.standing and dict(self.standing),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model, uncompiled, from its config, with the average it had."""
        config = {"average": None, "standing": None, **config}
        standing = config.pop("standing")
        for key, value in config.items():
            if isinstance(value, dict):  # A network, latents or the average.
                config[key] = keras.saving.deserialize_keras_object(value, custom_objects)
        average = config.pop("average")
        model = cls._made_of(**config)
        if average and model.networks_built:
            model.sample_from(average)
        model.standing = standing
        return model

    @classmethod
    def _made_of(cls, **arguments):
        """Return a model of the arguments of `get_config`, networks rebuilt."""
        return cls(**arguments)

    def get_compile_config(self):
        """Return the arguments of `compile`."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        augmentation = self.game.augmentation.layers
        return {
            "loss": serialize(self.loss),
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "terms": [serialize(term) for term in self.terms],
            "discriminator_steps": self.discriminator_steps,
            "adversarial_weight": serialize(self.game.generator.adversarial_weight),
            "update": self.update,
            "unrolled_steps": self.unrolled_steps,
            "ema": serialize(self.average),
            "augmentation": serialize(augmentation[0]) if augmentation else None,
            "metrics": serialization.serialize(self.quality.metrics),
            "metric_samples": self.quality.samples,
            "replay": self.game.replay and self.game.replay.size,
            "fake_labels": self.game.fake_labels.choice,
            "balance": self.game.logs.balance,
            "jit_compile": self.jit_compile_choice,
            "steps_per_execution": self.steps_per_execution,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config):
        """Compile the model as it was when saved, without metrics that can't be had here.

        Extractors are in no checkpoint: a metric on features of a network of the user's own, or
        on a file that is not there, is left out with a warning.
        """
        config = dict(config)
        metrics = serialization.deserialize(config.pop("metrics", ()))
        with _thawed(self.generator), _thawed(self.discriminator):
            self.compile(**keras.saving.deserialize_keras_object(config), metrics=metrics)


@contextlib.contextmanager
def _thawed(network):
    """Let all of a network be trainable for a while, if nothing of it is.

    It was when the model was compiled, or that would have been refused: the optimizer in the file
    is of all its variables.
    """
    layers = keras_internals.layers_within(network)
    flags = [layer.trainable for layer in layers]
    if network.trainable_variables:
        layers = []
    for layer in layers:
        layer.trainable = True
    try:
        yield
    finally:
        for layer, flag in zip(layers, flags, strict=False):
            layer.trainable = flag


def _named(kind):
    """Return what a file says of a class."""
    registered = keras.saving.get_registered_name(kind)
    module, name = kind.__module__, kind.__name__
    return {"module": module, "class_name": name, "registered_name": registered, "config": {}}


def _warn_of_unknown(config):
    """Warn of classes and functions that a file's reader could not find by their names."""
    unknown = sorted(set(_unknown_in(config)) - {None})
    if "__lambda__" in str(config):
        warnings.warn(
            "The file has Lambda layers, which `load_model` refuses: any code may be in them. "
            "Write a layer of your own and register it.",
            stacklevel=3,
        )
    if unknown:
        warnings.warn(
            f"The file will need your own {', '.join(unknown)} to be loaded: put "
            "`@keras.saving.register_keras_serializable()` above each and import them before, or "
            "pass them in `load_model(..., custom_objects={...})`.",
            stacklevel=3,
        )


def _unknown_in(config):
    """Yield the names of what a config holds and Keras's registry does not."""
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _unknown_in(part)
    if not isinstance(config, dict):
        return
    if {"class_name", "module", "registered_name"} <= config.keys():
        is_function = config["class_name"] == "function"
        name = config["config"] if is_function else config["registered_name"]
        if is_function:
            of_keras = any(hasattr(module, name) for module in _BUILTIN)
        else:
            of_keras = (config["module"] or "").split(".")[0] in ("keras", "builtins")
        if not of_keras and keras.saving.get_registered_object(name) is None:
            yield name
    for part in config.values():
        yield from _unknown_in(part)


def _writing(filepath, overwrite):
    """Return the context of a path to write to: the one given, or one beside it."""
    path = pathlib.Path(filepath)
    # Remote files are not renamed, shards are several, and Keras asks before it overwrites.
    if "://" in str(filepath) or path.suffix == ".json" or (path.exists() and not overwrite):
        return contextlib.nullcontext(filepath)
    return files.whole_file(path)
