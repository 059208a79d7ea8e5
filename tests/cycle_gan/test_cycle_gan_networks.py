"""Four networks in one game: names, shared layers, heads, files, and what is refused."""

import keras
import numpy as np
import pytest
from cycle_gan import domains
from integration import small
from keras import layers

import keras_gan
from keras_gan.cycle_gan.networks import ByDomain

DATA = domains.images(4, 0), domains.images(4, 1)


def with_shared_encoder():
    """Return two translations that share their first layer, and two critics that are one."""
    encoder = layers.Conv2D(3, 3, padding="same", activation="tanh", name="encoder")
    inputs = [keras.Input(domains.SHAPE) for _ in "ab"]
    both = [
        keras.Model(x, layers.Conv2D(1, 3, padding="same", name=f"last{i}")(encoder(x)))
        for i, x in enumerate(inputs)
    ]
    critic = domains.critic()
    return *both, critic, critic


def test_networks_of_one_name_keep_their_own():
    networks = domains.networks()
    assert networks[0].name == networks[1].name
    model = keras_gan.CycleGAN(*networks, domains=("summer", "winter"))
    names = "a_to_b", "b_to_a", "discriminator_a", "discriminator_b"
    assert all(getattr(model, name) is given for name, given in zip(names, networks, strict=True))
    assert model.domains == ("summer", "winter")
    assert len(model.generator.weights) == len(model.discriminator.weights) == 8
    model.compile(run_eagerly=True)
    assert {"d_loss/summer", "cycle/winter", "identity/summer"} <= set(model.game.logs.names)


def test_shared_layers_stay_shared(tmp_path):
    model = keras_gan.CycleGAN(*with_shared_encoder(), seed=0)
    model.compile(ema=0.5, run_eagerly=True, **small.sgds())
    model.fit(DATA, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    rebuilt = keras_gan.CycleGAN.from_config(model.get_config())
    rebuilt.compile(ema=0.5, run_eagerly=True, **small.sgds())
    rebuilt.load_weights(tmp_path / "model.weights.h5")
    for other in (loaded, rebuilt):
        assert len(other.generator.weights) == len(other.average.network.weights) == 6
        assert other.a_to_b.get_layer("encoder") is other.b_to_a.get_layer("encoder")
        assert other.discriminator_a is other.discriminator_b
        small.assert_equal_states(small.state(model), small.state(other), without=["seed"])
        made = [each.translate(DATA[0], to="b") for each in (model, other)]
        np.testing.assert_array_equal(*made)
        other.fit(DATA, batch_size=4, verbose=0)


def test_a_layer_within_another_can_not_be_shared():
    inner = layers.Dense(1)
    wrapped = [keras.Sequential([keras.Input(domains.SHAPE), inner]) for _ in "ab"]
    inputs = [keras.Input(domains.SHAPE) for _ in "ab"]
    both = [keras.Model(x, network(x)) for x, network in zip(inputs, wrapped, strict=True)]
    with pytest.raises(ValueError, match=r"could not be saved(?s:.*)Received(?s:.*)dense"):
        keras_gan.CycleGAN(*both, domains.critic(), domains.critic())


def test_several_heads_for_each_domain_and_named_outputs():
    def scales():
        x = keras.Input(domains.SHAPE)
        return keras.Model(x, [layers.Conv2D(1, size)(x) for size in (2, 4)])

    model = keras_gan.CycleGAN(*domains.networks()[:2], scales(), scales())
    model.compile(run_eagerly=True)
    logs = model.train_on_batch(*DATA, return_dict=True)
    assert {f"g_loss/{part}/{i}" for part in "ab" for i in range(2)} <= logs.keys()

    def named(key="features"):
        x = keras.Input(domains.SHAPE)
        features = layers.Conv2D(2, 3)(x)
        return keras.Model(x, {"logits": layers.Conv2D(1, 1)(features), key: features})

    model = keras_gan.CycleGAN(*domains.networks()[:2], named(), named())
    outputs = model.discriminator({"a": DATA[0], "b": DATA[1]})
    assert outputs["features"].keys() == outputs["logits"].keys() == {"a", "b"}
    assert set(model.discriminate(DATA)) == {"a", "b"}
    for other in (domains.critic(), named("styles")):
        with pytest.raises(ValueError, match=r"return the same(?s:.*)'a': \['features'"):
            keras_gan.CycleGAN(*domains.networks()[:2], named(), other)


def test_the_averaged_network_translates():
    model = domains.cycle_gan()
    model.compile(ema=0.5, run_eagerly=True, **small.adams(0.1))
    model.fit(DATA, batch_size=4, verbose=0)
    averaged = model.average.network.direction("b")
    made = model.translate(DATA[0], to="b")
    np.testing.assert_allclose(made, averaged(DATA[0]), atol=1e-6)
    assert np.abs(made - model.a_to_b(DATA[0])).max() > 1e-3
    model.average.network.set_weights(model.generator.get_weights())
    np.testing.assert_allclose(model.translate(DATA[0], to="b"), model.a_to_b(DATA[0]), atol=1e-6)
    half = keras_gan.networks.interpolate(model, model, 0.5)
    assert isinstance(half, ByDomain)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({0: "unet"}, TypeError, r"`a_to_b` to be a Keras model.*a_to_b='unet'"),
        (
            {0: keras.Sequential([layers.Conv2D(1, 3)])},
            ValueError,
            r"`a_to_b`.*Sequential begins with.*no inputs",
        ),
        (
            {3: domains.critic((6, 6, 3))},
            ValueError,
            r"second domain.*`b_to_a` takes \(6, 6, 1\).*`discriminator_b` takes \(6, 6, 3\)",
        ),
        (
            {1: domains.translation(shape=(6, 6, 3))},
            ValueError,
            r"first domain.*`b_to_a` returns \(6, 6, 3\)",
        ),
    ],
)
def test_networks_that_do_not_fit(change, error, text):
    networks = list(domains.networks())
    for index, network in change.items():
        networks[index] = network
    with pytest.raises(error, match=f"(?s){text}"):
        keras_gan.CycleGAN(*networks)


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a",), ("a", "b", "c"), "ab", ("a", "to b"), ("a", 1), ("logits", "b")]
)
def test_names_of_domains(names):
    with pytest.raises(ValueError, match=r"two different names(?s:.*)Received: domains="):
        domains.cycle_gan(domains=names)


def test_arguments_of_other_programs():
    with pytest.raises(TypeError, match=r"no argument `lambda_cycle`. Write .*Cycle\(5.0\)"):
        domains.cycle_gan(lambda_cycle=10.0)
    with pytest.raises(TypeError, match=r"no argument `latents`"):
        domains.cycle_gan(latents=None)
    with pytest.raises(TypeError, match=r"no argument `pool_size`. Write `replay=`"):
        domains.cycle_gan().compile(pool_size=50)
