"""Terms of labels and codes in one game: graphs, files, precision, replicas."""

import heads
import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import step_of

import keras_gan
from keras_gan.terms import AuxiliaryClassifier, DataToDataCrossEntropy, MutualInformation
from tests.integration.seeding import seeded


def terms(on):
    return [
        AuxiliaryClassifier(on=on, label_smoothing=0.1),
        MutualInformation(interval=2),
        DataToDataCrossEntropy(),
    ]


def model_of(on=("real", "fake"), **options):
    seeded(0)
    sgds = {f"{p}_optimizer": keras.optimizers.SGD(0.05) for p in heads.PLAYERS}
    return heads.model_of(*terms(on), **{**sgds, **options})


def test_in_one_graph_and_on_from_a_file(tmp_path):
    """Of any batch size; the loaded model repeats the original's next step to the bit."""
    model = model_of(run_eagerly=False)
    x, labels = heads.data(9)  # The last batch is smaller.
    logs = model.fit(x, labels, batch_size=6, verbose=0, shuffle=False).history
    keys = {key for term in model.terms for key in term.log_names}
    assert keys <= logs.keys() and len(keys) == 10
    assert np.isfinite([logs[key] for key in logs]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    assert [t.get_config() for t in loaded.terms] == [t.get_config() for t in model.terms]
    both = []
    for each in (model, loaded):
        each.run_eagerly = True
        each.train_function = None
        both.append(each.train_on_batch(x, labels, return_dict=True))
    assert both[0] == both[1]
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


def test_values_are_float32_in_mixed_precision():
    """And those of the same weights in float32, to what 16 bits hold of a forward."""
    found = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = model_of()
        finally:
            keras.config.set_dtype_policy("float32")
        x, labels = heads.data(60)
        step = step_of(model, x, condition=labels)
        values = {}
        for term in model.terms:
            for player in heads.PLAYERS:
                unreduced = tf.nest.flatten(getattr(term, f"{player}_term")(step))
                assert {each.dtype for each in unreduced} == {tf.float32}
                values |= term.means(player, step)
        found[policy] = {key: float(value) for key, value in values.items()}
    assert found["mixed_bfloat16"] == pytest.approx(found["float32"], rel=0.05, abs=0.02)


@pytest.mark.slow
def test_two_replicas_have_what_one_has(two_replicas):
    """Of real samples: each replica draws its own latents, and has pairs of its own share."""
    logs = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = model_of("real", run_eagerly=False)
        x, labels = heads.data(12)
        dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(12)
        logs.append(model.fit(dataset, verbose=0).history)
    key = "auxiliary_classifier/discriminator"
    assert set(logs[0]) == set(logs[1])
    assert np.isfinite(list(logs[1].values())).all()
    assert logs[1][key] == pytest.approx(logs[0][key], rel=1e-5)
