"""The forms that data of two domains come in, and images to translate."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cycle_gan import domains

import keras_gan

NAMES = "photo", "art"  # Not in the order of the alphabet, in which nests are.
PHOTOS, ART = domains.images(4, 0), domains.images(4, 1)


@keras.saving.register_keras_serializable("test")
class Seen(keras_gan.terms.Term):
    """Notes what a step was shown."""

    def generator_term(self, step):
        self.seen = {part: x.numpy() for part, x in step.real.items()}
        return tf.zeros(4)


@pytest.fixture(scope="module")
def model():
    model = domains.cycle_gan(domains=NAMES)
    model.compile(terms=[Seen()], run_eagerly=True)
    return model


class Pairs(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return PHOTOS, ART


def dataset(element):
    return tf.data.Dataset.from_tensor_slices(element).batch(4)


def bytes_of(images):
    return np.rint((images + 1) * 127.5).astype("uint8")


LABELS = np.arange(4)
FORMS = {
    "a pair": ((PHOTOS, ART),),
    "a list": ([PHOTOS, ART],),
    "two arrays": (PHOTOS, ART),
    "a dict": ({"art": ART, "photo": PHOTOS},),
    "a dataset of pairs": (dataset((PHOTOS, ART)),),
    "a dataset of dicts": (dataset({"art": ART, "photo": PHOTOS}),),
    "a dataset with labels": (dataset(((PHOTOS, LABELS), (ART, LABELS))),),
    "a dataset of features": (
        dataset(({"image": PHOTOS, "label": LABELS}, {"image": ART, "label": LABELS})),
    ),
    "a PyDataset": (Pairs(),),
    "unpaired": (keras_gan.datasets.unpaired(photo=PHOTOS, art=ART, batch_size=4, shuffle=False),),
    "bytes": ((bytes_of(PHOTOS), bytes_of(ART)),),
    "bytes without channels": (dataset((bytes_of(PHOTOS)[..., 0], bytes_of(ART))),),
    "gray without channels": ((PHOTOS[..., 0], ART),),
}


@pytest.mark.representatives("a pair", "a dataset of features", "bytes without channels")
@pytest.mark.parametrize("form", FORMS)
def test_forms(model, form):
    model.fit(*FORMS[form], shuffle=False, verbose=0)
    seen = model.terms[0].seen
    tolerance = 1 / 127 if "bytes" in form else 0
    for part, images in (("photo", PHOTOS), ("art", ART)):
        np.testing.assert_allclose(seen[part], images, atol=tolerance)


@pytest.mark.slow
def test_domains_of_any_numbers_in_orders_of_their_own(model):
    photos, art = domains.images(12, 0), domains.images(7, 1)
    shown = {"photo": [], "art": []}

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for part, images in self.model.terms[0].seen.items():
                shown[part].extend(images[:, 0, 0, 0])

    history = model.fit((photos, art), batch_size=3, epochs=2, callbacks=[Keep()], verbose=0)
    assert history.params["steps"] == 4
    rows = {
        part: [int(np.flatnonzero(given[:, 0, 0, 0] == value)[0]) for value in shown[part]]
        for part, given in (("photo", photos), ("art", art))
    }
    for epoch in (rows["photo"][:12], rows["photo"][12:]):
        assert sorted(epoch) == list(range(12)) and epoch != sorted(epoch)
    assert set(rows["art"]) == set(range(7))
    equal = keras_gan.datasets.unpaired(
        photo=photos, art=art, batch_size=3, seed=model.random_state.start
    )
    first = next(iter(equal))
    np.testing.assert_array_equal(first["art"][:, 0, 0, 0], shown["art"][:3])


@pytest.mark.slow
def test_validation_in_each_form(model):
    history = model.fit((PHOTOS, ART), validation_data=(PHOTOS, ART), verbose=0).history
    pair = model.evaluate((PHOTOS, ART), return_dict=True, verbose=0)
    assert history["val_d_loss/art"] == pytest.approx([pair["d_loss/art"]], rel=1e-5)
    others = [
        ({"photo": PHOTOS, "art": ART},),
        (dataset((PHOTOS, ART)),),
        (PHOTOS, ART),
        ((list(PHOTOS), list(ART)),),
    ]
    for data in others:
        other = model.evaluate(*data, return_dict=True, verbose=0)
        assert other == pytest.approx(pair, rel=1e-5)
    for uneven in ((PHOTOS, ART[:3]), (list(PHOTOS), list(ART[:3]))):
        logs = model.evaluate(uneven, batch_size=2, return_dict=True, verbose=0)
        assert np.isfinite(list(logs.values())).all()
    history = model.fit((PHOTOS, ART[:3]), validation_split=0.5, batch_size=2, verbose=0).history
    assert np.isfinite(history["val_g_loss/photo"])


def test_what_is_no_data_of_both(model):
    with pytest.raises(ValueError, match=r"Received: two pairs"):
        model.fit((PHOTOS, ART), (PHOTOS, ART))
    with pytest.raises(ValueError, match=r"samples and .* differ in their parts"):
        model.fit(PHOTOS)
    with pytest.raises(ValueError, match=r"samples \(art\).*\(6, 6, 2\) and \(6, 6, 1\)"):
        model.fit((PHOTOS, np.concatenate([ART, ART], axis=-1)))
    with pytest.raises(ValueError, match=r"parts.*'horse'"):
        model.fit({"horse": PHOTOS, "zebra": ART})
    with pytest.raises(ValueError, match=r"as many rows each.*'art': 3.*'photo': 4"):
        model.train_on_batch(PHOTOS, ART[:3])
    with pytest.raises(ValueError, match=r"method `seek"):
        model.fit(dataset(PHOTOS), dataset(ART))
    with pytest.raises(ValueError, match="NaN or infinite"):
        model.fit((PHOTOS, np.full_like(ART, np.nan)), verbose=0)
    with pytest.raises(ValueError, match=r"empty domain 'art'"):
        model.fit((PHOTOS, ART[:0]))


def test_translations(model):
    to_art = model.translate(PHOTOS, to="art", batch_size=3)
    assert to_art.shape == (4, *domains.SHAPE) and to_art.dtype == np.float32
    both = model.generate(4, condition={"photo": PHOTOS, "art": ART})
    np.testing.assert_allclose(to_art, both["art"], atol=1e-6)
    np.testing.assert_allclose(model.translate(ART, to="photo"), both["photo"], atol=1e-6)
    for images in (bytes_of(PHOTOS), PHOTOS[..., 0], PHOTOS.astype("float64")):
        np.testing.assert_allclose(model.translate(images, to="art"), to_art, atol=0.05)
    predicted = model.predict({"photo": PHOTOS, "art": ART}, verbose=0)
    np.testing.assert_allclose(predicted["art"], to_art, atol=1e-6)


def test_what_can_not_be_translated(model):
    for to in ("c", None, ["art"]):
        with pytest.raises(ValueError, match=r"`to` to be one of \['photo', 'art'\].*Received"):
            model.translate(PHOTOS, to=to)
    with pytest.raises(ValueError, match=r"images and the input of photo_to_art differ in shape"):
        model.translate(np.zeros((2, 5, 5, 1), "float32"), to="art")
    with pytest.raises(ValueError, match=r"one by one: make batches"):
        model.translate(PHOTOS[0], to="art")
    with pytest.raises(ValueError, match=r"at least one image"):
        model.translate(PHOTOS[:0], to="art")
    with pytest.raises(TypeError, match=r"`images` to be an array of numbers"):
        model.translate(dataset(PHOTOS), to="art")
    with pytest.raises(ValueError, match=r"`batch_size` to be a whole number"):
        model.translate(PHOTOS, to="art", batch_size=0)
    # By name alone: a pair of images of one shape could be mixed up.
    with pytest.raises(ValueError, match=r"condition and .* differ in their parts"):
        model.generate(4, condition=(PHOTOS, ART))
