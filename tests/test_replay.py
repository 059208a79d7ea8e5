"""The replay of generated samples, against a literal one, and through save and resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small

import keras_gan
from keras_gan.data.condition import Condition
from keras_gan.data.signature import Signature
from keras_gan.game.replay import Replay


def replay_of(size, shape=(2,), classes=None):
    """Return a `Replay` attached to small networks."""
    networks = small.networks(shape=shape, classes=classes)
    signature = Signature(*networks, keras_gan.latents.Normal(3))
    replay = Replay(size)
    replay.attach(signature, Condition(signature, has_latents=True))
    return replay


def seed(i):
    return tf.constant([7, i], tf.int64)


def batch(i, rows):
    """Return samples that are told apart: the first number is i + row / 100."""
    numbers = i + np.arange(rows) / 100
    return np.stack([numbers, -numbers], axis=1).astype("float32")


def played(replay, batches, rows, labels=None):
    """Return what was given and what was shown, batch by batch."""
    given = [batch(i, rows) for i in range(batches)]
    shown = []
    for i, x in enumerate(given):
        condition = None if labels is None else labels[i]
        shown.append(replay.exchange(tf.constant(x), condition, seed(i)))
    return given, shown


def test_it_shows_the_new_until_it_is_full():
    given, shown = played(replay_of(8), 2, 4)
    for x, (y, _) in zip(given, shown, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.representatives(2)
@pytest.mark.parametrize(("size", "rows"), [(8, 4), (2, 1), (4, 6), (6, 4)])
def test_literal(size, rows):
    """Each sample shown is the new one, or a kept one that the new one replaces."""
    replay = replay_of(size)
    kept, old = {}, 0
    for i in range(60):
        x = batch(i, rows)
        y, _ = replay.exchange(tf.constant(x), None, seed(i))
        for new, shown in zip(x, y.numpy(), strict=True):
            if np.array_equal(new, shown):
                continue
            places = [p for p, sample in kept.items() if np.array_equal(sample, shown)]
            assert len(places) == 1
            old += 1
        stored = replay._samples[0].numpy()
        now = {p: sample for p, sample in enumerate(stored) if p < int(replay.count)}
        # What is kept now was kept before or is of this batch, and none of it twice.
        earlier = [tuple(sample) for sample in kept.values()]
        assert {tuple(s) for s in now.values()} <= {*earlier, *map(tuple, x)}
        assert len({tuple(s) for s in now.values()}) == len(now)
        # Each old sample that was shown has left, and the new one in its row has come.
        for new, shown in zip(x, y.numpy(), strict=True):
            if not np.array_equal(new, shown):
                assert tuple(shown) not in {tuple(s) for s in now.values()}
                assert tuple(new) in {tuple(s) for s in now.values()}
        kept = now
    exchanges = 60 * min(rows, size)
    assert 0.3 * exchanges < old < 0.6 * exchanges


def test_the_papers_pool_of_two_domains():
    """Images one by one, 50 of each domain kept; both of a pair are shown, or kept, together."""

    def pool():
        x = {part: keras.Input((size,), name=part) for part, size in (("a", 2), ("b", 3))}
        networks = [
            keras.Model(x, {part: keras.layers.Dense(size)(x[part]) for part, size in sizes})
            for sizes in ([("a", 2), ("b", 3)], [("a", 1), ("b", 1)])
        ]
        signature = Signature(*networks, None)
        replay = Replay(50)
        replay.attach(signature, Condition(signature, has_latents=False, conditional="samples"))

        @tf.function(autograph=False)
        def exchange(number, draw):
            new = {"a": tf.fill((1, 2), number), "b": tf.fill((1, 3), -number)}
            return replay.exchange(new, None, draw)[0]

        def show(i):
            shown = exchange(tf.constant(float(i)), seed(i))
            assert len({*shown["a"].numpy().ravel(), *-shown["b"].numpy().ravel()}) == 1
            return int(shown["a"][0, 0])

        return replay, show

    replay, show = pool()
    assert [show(i) for i in range(50)] == list(range(50))
    shown = [show(i) for i in range(50, 250)]
    older = [i != new for i, new in zip(shown, range(50, 250), strict=True)]
    assert 75 <= sum(older) <= 125
    kept = set(replay._samples[0].numpy()[:, 0].astype(int))
    # Half of those given are shown at once and forgotten; each that was kept is shown at most once.
    assert len(kept) == 50 and kept.isdisjoint(shown) and kept < set(range(250))
    other, show_other = pool()
    for variable, value in zip(other.variables, replay.variables, strict=True):
        variable.assign(value)
    assert [show(i) for i in range(250, 300)] == [show_other(i) for i in range(250, 300)]
    for one, two in zip(replay.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one, two)


def test_conditions_stay_with_their_samples():
    replay = replay_of(6, classes=3)
    labels = [tf.constant((np.arange(4) + i) % 3, tf.int32) for i in range(40)]
    known = {}
    for i, (x, (y, condition)) in enumerate(zip(*played(replay, 40, 4, labels), strict=True)):
        known |= {tuple(row): int(label) for row, label in zip(x, labels[i], strict=True)}
        for row, label in zip(y.numpy(), condition.numpy(), strict=True):
            assert known[tuple(row)] == label


def test_only_the_discriminator_learns_from_kept_samples():
    """With a discriminator that stands still the generator trains as without replay."""
    found = []
    for replay in (None, 4):
        model = small.gan()
        sgds = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.0)
        model.compile("non_saturating", *sgds, replay=replay)
        model.fit(small.points(64), batch_size=8, shuffle=False, verbose=0)
        found.append((small.weights(model), model.history.history))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[0][1]["fake_score"] != found[1][1]["fake_score"]
    assert found[0][1]["g_loss"] == found[1][1]["g_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_saved_restored_and_resumed_exactly(update, tmp_path):
    def options():
        return dict(replay=6, update=update, **small.adams())

    dataset = keras_gan.datasets.from_arrays(small.points(64), batch_size=8, seed=1)
    whole = small.gan()
    whole.compile(**options())
    whole.fit(dataset, epochs=3, verbose=0)

    half = small.gan()
    half.compile(**options())
    half.fit(dataset, epochs=1, verbose=0)
    half.save(tmp_path / "model.keras")
    half.save_weights(tmp_path / "model.weights.h5")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    assert loaded.game.replay.size == 6
    fresh = small.gan(seed=9)
    fresh.compile(**options())
    fresh.load_weights(tmp_path / "model.weights.h5")
    for model in (loaded, fresh):
        model.fit(dataset, epochs=3, initial_epoch=1, verbose=0)
        for a, b in zip(small.weights(whole), small.weights(model), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(whole.game.replay._samples[0], model.game.replay._samples[0])


def test_what_it_needs():
    with pytest.raises(ValueError, match=r"unrolled(?s:.*)replay=5"):
        small.gan().compile(update="unrolled", replay=5)
    with pytest.raises(ValueError, match=r"near latents(?s:.*)replay=5(?s:.*)latent_consistency"):
        small.gan().compile(terms=[keras_gan.terms.LatentConsistency()], replay=5)
    generator, discriminator = (
        keras.Sequential([keras.layers.Conv2D(1, 3, padding="same")]) for _ in range(2)
    )
    for network in (generator, discriminator):
        network.build((None, None, None, 1))
    model = keras_gan.GAN(generator, discriminator, latents=None)
    with pytest.raises(ValueError, match=r"fixed shapes(?s:.*)replay=5"):
        model.compile(replay=5)
