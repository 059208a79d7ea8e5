"""Labels of generated samples: which condition they are made from, and judged by."""

import keras
import numpy as np
import pytest
from integration import small

import keras_gan
from keras_gan import losses, terms

CLASSES, ROWS = 3, 64
LABELS = np.repeat(np.arange(CLASSES), [40, 16, 8]).astype("int32")
X = np.stack([LABELS, LABELS], axis=1).astype("float32")
SEEN = {}


@keras.saving.register_keras_serializable("test")
class Watch(terms.Term):
    """Notes what the step says; it adds nothing."""

    player = "generator"

    def discriminator_term(self, step):
        return self._note("discriminator", step)

    def generator_term(self, step):
        return self._note("generator", step)

    def _note(self, player, step):
        again = step.generate(step.latents)
        SEEN[player] = {
            "real": np.array(step.condition),
            "asked": np.array(step.fake_condition),
            "fake": np.array(step.fake),
            "again": np.array(again),
            "judged": np.array(step.fake_logits)[:, 0],
        }
        return keras.ops.zeros((ROWS, 1))


def shown_labels(one_hot=False):
    """Return a pair that shows its label: as every number of a sample, and as the logit."""

    def label_input():
        if one_hot:
            return keras.Input((CLASSES,), name="labels")
        return keras.Input((), dtype="int32", name="labels")

    def number(label):
        if one_hot:
            values = keras.layers.Dense(1, use_bias=False, trainable=False)
            made = values(label)
            values.set_weights([np.arange(CLASSES, dtype="float32")[:, None]])
            return made
        table = keras.layers.Embedding(CLASSES, 1, trainable=False)
        made = table(label)
        table.set_weights([np.arange(CLASSES, dtype="float32")[:, None]])
        return made

    def still(size):
        return keras.layers.Dense(size, kernel_initializer="zeros", use_bias=False)

    latents, label = keras.Input((2,)), label_input()
    made = keras.layers.Add()([still(2)(latents), number(label)])
    generator = keras.Model([latents, label], made)
    samples, label = keras.Input((2,)), label_input()
    logits = keras.layers.Add()([still(1)(samples), number(label)])
    discriminator = keras.Model([samples, label], logits)
    return generator, discriminator


def played(fake_labels, one_hot=False, seed=0, labels=LABELS, **options):
    """Return what both players' terms have seen of one step."""
    model = keras_gan.GAN(*shown_labels(one_hot), seed=seed, num_classes=CLASSES)
    model.compile(fake_labels=fake_labels, terms=[Watch()], run_eagerly=True, **options)
    model.train_on_batch(X, np.eye(CLASSES, dtype="float32")[labels] if one_hot else labels)
    return {player: dict(seen) for player, seen in SEEN.items()}


def as_numbers(asked):
    return asked.argmax(-1) if asked.ndim == 2 else asked


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("choice", ["batch", "shuffled", "uniform", [0.0, 0.25, 0.75]])
def test_samples_are_made_and_judged_by_the_label_asked_for(choice, one_hot):
    seen = played(choice, one_hot)
    for step in seen.values():
        asked = as_numbers(step["asked"])
        np.testing.assert_array_equal(as_numbers(step["real"]), LABELS)
        np.testing.assert_array_equal(step["again"], step["fake"])
        np.testing.assert_allclose(step["fake"], asked[:, None] + np.zeros((1, 2)), atol=0.01)
        np.testing.assert_allclose(step["judged"], asked, atol=0.01)
    first, second = (as_numbers(seen[player]["asked"]) for player in ("discriminator", "generator"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("choice", ["batch", "shuffled", "uniform"])
def test_samples_that_are_kept_stay_with_their_labels(choice):
    """Of a replay too, which shows older samples: by other labels the game would teach nothing."""
    model = keras_gan.GAN(*shown_labels(), seed=0)
    model.compile(fake_labels=choice, terms=[Watch()], run_eagerly=True, replay=16)
    for _ in range(4):
        model.train_on_batch(X, LABELS)
        shown = SEEN["discriminator"]
        np.testing.assert_allclose(shown["fake"][:, 0], shown["asked"], atol=0.01)
        np.testing.assert_allclose(shown["judged"], shown["asked"], atol=0.01)


def test_which_labels():
    batch, shuffled = (as_numbers(played(c)["generator"]["asked"]) for c in ("batch", "shuffled"))
    np.testing.assert_array_equal(batch, LABELS)
    assert (shuffled != LABELS).any()
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(LABELS))
    other = as_numbers(played("shuffled", seed=1)["generator"]["asked"])
    assert (other != shuffled).any()
    np.testing.assert_array_equal(as_numbers(played("shuffled")["generator"]["asked"]), shuffled)


@pytest.mark.parametrize(
    ("choice", "shares"),
    [("uniform", [1 / 3] * 3), ([2, 1, 1], [0.5, 0.25, 0.25]), ([0, 0, 5], [0, 0, 1])],
)
def test_drawn_labels_have_their_shares(choice, shares):
    drawn = [as_numbers(played(choice, seed=s)["generator"]["asked"]) for s in range(12)]
    counts = np.bincount(np.concatenate(drawn), minlength=CLASSES)
    total = counts.sum()
    for count, share in zip(counts, shares, strict=True):
        assert abs(count / total - share) <= 4 * np.sqrt(share * (1 - share) / total)


def test_evaluation_asks_for_the_labels_of_the_data():
    model = keras_gan.GAN(*shown_labels(), seed=0)
    model.compile(fake_labels="uniform", run_eagerly=True)
    wanted = model.evaluate(X, LABELS, batch_size=ROWS, verbose=0, return_dict=True)
    assert wanted["fake_score"] == pytest.approx(wanted["real_score"]) == pytest.approx(0.5)


def test_several_discriminator_steps_draw_anew():
    model = keras_gan.GAN(*shown_labels(), seed=0)
    model.compile(fake_labels="shuffled", terms=[Watch()], run_eagerly=True, discriminator_steps=2)
    model.fit(np.concatenate([X, X]), np.tile(LABELS, 2), batch_size=ROWS, verbose=0)
    np.testing.assert_array_equal(
        SEEN["generator"]["asked"], np.round(SEEN["generator"]["fake"][:, 0])
    )


@pytest.mark.parametrize("choice", ["shuffled", [0.5, 0.25, 0.25]])
def test_it_is_saved(tmp_path, choice):
    model = keras_gan.GAN(*shown_labels(), seed=0)
    model.compile(fake_labels=choice)
    model.save(tmp_path / "model.keras")
    assert keras_gan.load_model(tmp_path / "model.keras").game.fake_labels.choice == choice


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ("random", r"one of \['batch', 'shuffled', 'uniform'\]"),
        (None, "shares of at least 0"),
        ([1.0], "shares of at least 0"),
        ([0, 0, 0], "shares of at least 0"),
        ([0.5, -0.5, 1], "shares of at least 0"),
        ([np.nan, 1, 1], "shares of at least 0"),
        (["a", "b", "c"], "shares of at least 0"),
        ([0.5, 0.5], "a share for each of the 3 classes"),
    ],
)
def test_what_it_can_not_be(choice, says):
    model = keras_gan.GAN(*shown_labels(), seed=0)
    with pytest.raises(ValueError, match=says):
        model.compile(fake_labels=choice)


def test_what_it_does_not_go_with():
    with pytest.raises(ValueError, match="takes no condition"):
        small.gan().compile(fake_labels="shuffled")
    model = keras_gan.GAN(*shown_labels(), seed=0)
    pairing = 0.5 * losses.RelativisticPairing() + 0.5 * losses.NonSaturating()
    for options in ({"loss": pairing}, {"terms": [terms.Reconstruction()]}):
        model.compile(**options)
        with pytest.raises(ValueError, match="the same label for both"):
            model.compile(fake_labels="uniform", **options)
    embedding = keras.Input((4,))
    vectors = keras.Model([keras.Input((2,)), embedding], keras.layers.Dense(2)(embedding))
    model = keras_gan.GAN(vectors, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model.compile(fake_labels="shuffled")
    with pytest.raises(ValueError, match="knows its number of classes"):
        model.compile(fake_labels="uniform")
    model = keras_gan.GAN(model.generator, model.discriminator, num_classes=3)
    model.compile(fake_labels="uniform")
    with pytest.raises(ValueError, match="a condition that is one label"):
        model.train_on_batch(X, np.zeros((ROWS, 4), "float32"))
