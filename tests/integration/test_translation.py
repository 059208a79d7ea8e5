"""CycleGAN: two domains of different sizes and channels in one game."""

import keras
import numpy as np
import pytest

import keras_gan
from integration import small, translation


@pytest.fixture(scope="module")
def trained():
    """Return a model after two epochs, and its history."""
    model = translation.model(replay=6, ema=0.9, **small.adams())
    history = model.fit(translation.dataset(), epochs=2, verbose=0).history
    return model, history


def sources(n=2):
    return {part: images[:n] for part, images in translation.domains(seed=9).items()}


def test_it_trains_and_logs_per_direction(trained):
    _, history = trained
    for key in ("d_loss", "g_loss", "real_score", "fake_score"):
        parts = np.array([history[f"{key}/{part}"] for part in translation.SHAPES])
        np.testing.assert_allclose(parts.mean(axis=0), history[key], rtol=1e-5, atol=1e-6)
    parts = np.array([history[f"cycle/{part}"] for part in translation.SHAPES])
    np.testing.assert_allclose(parts.mean(axis=0), history["cycle"], rtol=1e-5)
    assert history["cycle"][1] < history["cycle"][0]
    assert np.isfinite([values for values in history.values()]).all()


def test_translations_are_nests_of_the_domains(trained):
    model, _ = trained
    made = model.generate(2, condition=sources())
    assert {part: images.shape[1:] for part, images in made.items()} == translation.SHAPES
    by_hand = model.sampling_network(sources(), training=False)
    assert model.sampling_network is model.average.network
    for part in made:
        np.testing.assert_allclose(made[part], by_hand[part], atol=1e-6)


def test_saved_and_reloaded(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    made, again = (m.generate(2, condition=sources()) for m in (model, loaded))
    for part in made:
        assert np.abs(made[part] - again[part]).max() == 0.0
    assert isinstance(loaded, keras_gan.CycleGAN) and loaded.domains == ("a", "b")
    assert [(term.name, term.weight) for term in loaded.terms] == [("cycle", 5.0)]
    small.assert_equal_states(small.state(model), small.state(loaded), without=["seed_generator"])


@pytest.mark.slow
def test_resumed_exactly(tmp_path):
    """A run that ends in the middle of an epoch, and its continuation in a fresh model."""

    class Stop(Exception):
        pass

    def stop(batch, logs):
        if batch == 1:
            raise Stop

    def run(directory=None, stopping=False):
        # Eager: what is tested is where a run goes on. The one that is killed has a graph.
        model = translation.model(replay=6, run_eagerly=True, **small.adams())
        callbacks = [keras_gan.callbacks.Backup(directory, every_steps=1)] if directory else []
        if stopping:
            callbacks.append(keras.callbacks.LambdaCallback(on_train_batch_end=stop))
        model.fit(translation.dataset(n=16), epochs=2, callbacks=callbacks, verbose=0)
        return small.state(model)

    whole = run()
    with pytest.raises(Stop):
        run(tmp_path, stopping=True)
    small.assert_equal_states(whole, run(tmp_path))


def test_parts_have_penalties_and_augmentation_of_their_own():
    model = translation.model(
        terms=["r1", "gradient_penalty", "cycle"],
        augmentation="instance_noise",
        run_eagerly=True,
        **small.adams(),
    )
    logs = model.train_on_batch(
        {part: images[:4] for part, images in translation.domains().items()}, return_dict=True
    )
    assert np.isfinite(list(logs.values())).all()
