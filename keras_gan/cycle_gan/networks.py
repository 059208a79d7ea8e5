"""Networks of several domains as one network of nests."""

import keras

from keras_gan.data.symbolic import inputs_of, output_structure, sample_shape
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within, sharing_nothing
from keras_gan.utils.tensors import compatible


@keras.saving.register_keras_serializable("keras_gan")
class ByDomain(keras.Model):
    """Networks of one image each as one Functional network from a nest of images to a nest.

    Its config keeps what the networks have in common: a network that serves two domains, or layers
    that two networks share, are one again when it is rebuilt.

    Args:
        networks: dict from the domain of what each network returns to the network.
        sources: dict from that domain to the one whose images the network takes; by default each
            takes those of its own.
        name: of the network.

    Attributes:
        networks: the dict, of the networks as they were given.
        sources: the dict.

    Raises:
        ValueError: when networks share a layer that is within another layer of theirs, or differ
            in the names of their outputs.
    """

    def __init__(self, networks, sources=None, name=None):
        sources = sources or {domain: domain for domain in networks}
        images = {
            sources[domain]: _image_of(network, sources[domain])
            for domain, network in networks.items()
        }
        made = {
            domain: _named(network, _name(sources[domain], domain))(images[sources[domain]])
            for domain, network in networks.items()
        }
        super().__init__(images, _joined(made), name=name)
        self._given = networks, sources, _shared(networks)

    @property
    def networks(self):
        """The networks as they were given, by the domain of what they return."""
        return dict(self._given[0])

    @property
    def sources(self):
        """The domain whose images each network takes."""
        return dict(self._given[1])

    def direction(self, domain):
        """Return the network behind a domain, from an image to what it returns."""
        return self.get_layer(_name(self.sources[domain], domain))

    def get_config(self):
        """Return the configs of the networks, and which layers they have in common."""
        networks, sources, shared = self._given
        same = {domain: _first_like(network, networks) for domain, network in networks.items()}
        with sharing_nothing():
            configs = {
                domain: keras.saving.serialize_keras_object(network)
                for domain, network in networks.items()
                if same[domain] == domain
            }
        return {
            "name": self.name,
            "networks": configs,
            "sources": sources,
            "same": same,
            "shared": shared,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the networks, with the layers that they share, and join them."""
        networks = {}
        with sharing_nothing():
            for domain, first in config["same"].items():
                if first != domain:
                    networks[domain] = networks[first]
                    continue
                network = config["networks"][domain]
                network = keras.saving.deserialize_keras_object(network, custom_objects)
                shared = {
                    name: networks[owner].get_layer(name)
                    for name, owner in config["shared"][domain].items()
                }
                networks[domain] = _with_layers(network, shared)
        return cls(networks, config["sources"], name=config["name"])


def _name(source, domain):
    return f"of_{domain}" if source == domain else f"{source}_to_{domain}"


def _image_of(network, domain):
    image = inputs_of(network)[0]
    return keras.Input(sample_shape(image), dtype=image.dtype, name=domain)


def _named(network, name):
    """Return a network under another name, as two may have the same."""
    image = _image_of(network, None)
    return keras.Model(image, network(image), name=name)


def _joined(made):
    """Return a nest of what the networks return: by domain, or by output where these are named.

    Raises:
        ValueError: when one names its outputs, and another does not or has other names.
    """
    names = [
        sorted(outputs) if isinstance(outputs, dict) and "logits" in outputs else None
        for outputs in made.values()
    ]
    if any(each != names[0] for each in names):
        raise ValueError(
            "Expected discriminators that return the same: logits alone, or dicts with the key "
            "'logits' and the same other keys. Received: outputs named "
            f"{dict(zip(made, names, strict=True))}"
        )
    if names[0] is None:
        return made
    return {key: {domain: outputs[key] for domain, outputs in made.items()} for key in names[0]}


def _first_like(network, networks):
    """Return the first domain whose network is this one."""
    return next(domain for domain, each in networks.items() if each is network)


def _shared(networks):
    """Return, for each domain, the names of layers that are an earlier network's, and its domain.

    Raises:
        ValueError: when a layer within another is shared, which could not be rebuilt.
    """
    shared = {domain: {} for domain in networks}
    domains = list(networks)
    for i, domain in enumerate(domains):
        for earlier in domains[:i]:
            if networks[earlier] is networks[domain]:
                break
            own = {id(layer) for layer in _outer(networks[earlier])}
            common = [layer for layer in _outer(networks[domain]) if id(layer) in own]
            names = (layer.name for layer in common)
            shared[domain] |= dict.fromkeys(names, earlier)
            _check_inner(networks[earlier], networks[domain], common)
    return shared


def _check_inner(first, second, common):
    known = {id(part) for layer in common for part in layers_within(layer)}
    own = {id(layer) for layer in layers_within(first)} - known
    inner = [layer.name for layer in layers_within(second) if id(layer) in own]
    if inner:
        raise ValueError(
            "Expected networks that share layers of their own, such as a whole encoder, if any: "
            "one that is within another layer could not be saved. Call the shared layer in both "
            f"networks directly. Received: the networks {first.name!r} and {second.name!r}, which "
            f"share {shown(inner)}"
        )


def _outer(network):
    """Return the layers of a network that have an identity of their own, those within left out."""
    return [
        layer
        for layer in getattr(network, "layers", ())
        if not isinstance(layer, keras.layers.InputLayer)
    ]


def _with_layers(network, layers):
    """Return a network with other layers in the place of its own, by their names."""
    if not layers:
        return network
    return keras.models.clone_model(
        network, clone_function=lambda layer: layers.get(layer.name, layer)
    )


def check_networks(**networks):
    """Raise when four networks are not those of two domains.

    Args:
        **networks: `a_to_b`, `b_to_a`, `discriminator_a` and `discriminator_b`.

    Raises:
        TypeError: when one is not a Keras model.
        ValueError: when one does not say its shapes, or two differ in that of a domain's images.
    """
    taken = {name: _taken(name, network) for name, network in networks.items()}
    made = {name: _made(name, networks[name]) for name in ("a_to_b", "b_to_a")}
    domains = {
        "first": ("a_to_b", "b_to_a", "discriminator_a"),
        "second": ("b_to_a", "a_to_b", "discriminator_b"),
    }
    for domain, (forth, back, critic) in domains.items():
        shapes = taken[forth], made[back], taken[critic]
        if not all(compatible(shapes[0], shape) for shape in shapes[1:]):
            raise ValueError(
                f"The networks differ in the images of the {domain} domain (shapes without the "
                f"batch axis). Received: `{forth}` takes {shapes[0]}, `{back}` returns "
                f"{shapes[1]} and `{critic}` takes {shapes[2]}"
            )


def _taken(name, network):
    """Return the shape of the one image that a network takes."""
    if not isinstance(network, keras.Model):
        raise TypeError(
            f"Expected `{name}` to be a Keras model. Received: {name}={shown(network)} of type "
            f"{type(network)}"
        )
    images = inputs_of(network)
    if images is None or len(images) != 1:
        raise ValueError(
            f"Expected `{name}` to be a Functional or Sequential network of one image; a "
            "Sequential begins with `keras.Input((256, 256, 3))`. Received: "
            f"{name}={shown(network.name)} of type {type(network).__name__}, with "
            f"{'no inputs that it says' if images is None else f'{len(images)} inputs'}"
        )
    return sample_shape(images[0])


def _made(name, network):
    """Return the shape of the one image that a network returns."""
    image = output_structure(network)
    if nests.is_nest(image):
        raise ValueError(
            f"Expected `{name}` to return one tensor, images of the other domain. "
            f"Received: a network that returns {nests.describe(image, sample_shape)}"
        )
    return sample_shape(image)
