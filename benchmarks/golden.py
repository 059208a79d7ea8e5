"""Golden runs: whether what the library trains is bit-equal to what an earlier commit trains.

    python benchmarks/golden.py                       # run them all, print a hash of each
    python benchmarks/golden.py --save=before.json    # and keep them
    python benchmarks/golden.py --compare=before.json # and compare them with kept ones
    python benchmarks/golden.py --against=3c33f02     # run those of a commit too, and compare
    python benchmarks/golden.py --only=r1_r2          # one of them

Each configuration trains 20 steps from fixed seeds on fixed data, with deterministic operations.
Its hash covers all weights and buffers of both networks, the average, terms and augmentations, all
optimizer state, all seed states, the step count, the logs and generated samples. Bits depend on the
processor and on TensorFlow's version, so hashes are only compared on one machine: `--against` runs
both commits here. Exit status 1 says that a hash differs.
"""

import functools
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import keras_gan
from keras_gan import augmentation, layers, schedules, terms

_SAVE = flags.DEFINE_string("save", None, "File to write the hashes to.")
_COMPARE = flags.DEFINE_string("compare", None, "File of hashes to compare with.")
_AGAINST = flags.DEFINE_string("against", None, "Commit to run too, and to compare with.")
_ONLY = flags.DEFINE_multi_string("only", None, "Names of configurations to run.")

STEPS, BATCH = 20, 8


def images(channels=1, size=8, seed=0):
    count = STEPS * BATCH
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size, channels)).astype("f4")


def dcgan(**options):
    return keras_gan.networks.dcgan((8, 8, 1), latent_dim=6, width=4, **options)


def points():
    return np.random.default_rng(1).normal(size=(STEPS * BATCH, 2)).astype("f4")


def mlp(**options):
    return keras_gan.networks.mlp((2,), latent_dim=3, width=8, **options)


def named_outputs():
    """Return networks whose discriminator returns features beside its logits."""
    generator, _ = mlp()
    x = keras.Input((2,))
    hidden = keras.layers.Dense(8, "tanh")(x)
    outputs = {"logits": keras.layers.Dense(1)(hidden), "features": hidden}
    return generator, keras.Model(x, outputs)


def packed():
    generator, _ = mlp()
    x = keras.Input((2,))
    hidden = keras.layers.Dense(8, "tanh")(layers.Packing(2)(x))
    return generator, keras.Model(x, keras.layers.Dense(1)(hidden))


def translating():
    """Return networks from images to images, judged in pairs by a patch map."""
    source, target = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(source)
    made = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(hidden)
    pair = keras.layers.Concatenate()([target, source])
    patches = keras.layers.Conv2D(1, 4, 2)(
        keras.layers.LeakyReLU()(keras.layers.Conv2D(4, 3)(pair))
    )
    return keras.Model(source, made), keras.Model([target, source], patches)


def adam(**options):
    return {f"{p}_optimizer": keras.optimizers.Adam(1e-3, 0.5, **options) for p in PLAYERS}


def sgd(rate=0.05):
    return {f"{p}_optimizer": keras.optimizers.SGD(rate) for p in PLAYERS}


PLAYERS = "generator", "discriminator"
LABELS = (np.arange(STEPS * BATCH) % 3).astype("i4")
R = terms.R1, terms.R2

# Name: networks, what `compile` is given, data, and more of `GAN`'s arguments. All are made when
# they are needed: in the scope of a strategy, or under a policy.
RUNS = {
    "alternating": (dcgan, lambda: {"loss": "non_saturating"}, images),
    "auto_optimizers": (mlp, lambda: {"loss": "least_squares"}, points),
    "simultaneous": (dcgan, lambda: {"loss": "minimax", "update": "simultaneous", **sgd()}, images),
    "unrolled_sgd": (
        mlp,
        lambda: {"loss": "non_saturating", "update": "unrolled", "unrolled_steps": 3, **sgd()},
        points,
    ),
    "unrolled_adam": (
        mlp,
        lambda: {"loss": "minimax", "update": "unrolled", "unrolled_steps": 2, **adam()},
        points,
    ),
    "discriminator_steps": (
        mlp,
        lambda: {"loss": "wasserstein", "discriminator_steps": 3, "terms": ["weight_clipping"]},
        points,
    ),
    "r1_r2": (
        dcgan,
        lambda: {"loss": "relativistic_pairing", "terms": [term(0.5) for term in R], **adam()},
        images,
    ),
    "gradient_penalty": (
        dcgan,
        lambda: {
            "loss": "wasserstein",
            "terms": ["gradient_penalty"],
            "discriminator_steps": 2,
            **adam(),
        },
        images,
    ),
    "lazy": (
        dcgan,
        lambda: {
            "loss": "non_saturating",
            "terms": [terms.R1(1.0, interval=4), terms.PathLength(interval=2)],
            **adam(),
        },
        images,
    ),
    "consistency": (
        mlp,
        lambda: {
            "loss": "hinge",
            "terms": [
                terms.ConsistencyRegularization(on=("real", "fake")),
                terms.LatentConsistency(),
            ],
            **adam(),
        },
        points,
    ),
    "feature_matching": (mlp, lambda: {"terms": ["feature_matching", "lecam"], **adam()}, points),
    "feature_matching_output": (
        named_outputs,
        lambda: {"terms": [terms.FeatureMatching(output="features")], **adam()},
        points,
    ),
    "dragan_orthogonal": (
        dcgan,
        lambda: {"loss": "minimax", "terms": ["dragan", "orthogonal_regularization"], **adam()},
        images,
    ),
    "average": (
        dcgan,
        lambda: {"ema": keras_gan.GeneratorAverage(half_life=100, ramp_up=0.05), **adam()},
        images,
    ),
    "balance": (
        mlp,
        lambda: {"loss": "relativistic_average", "balance": True, "ema": 0.9, **adam()},
        points,
    ),
    "adaptive": (
        dcgan,
        lambda: {
            "augmentation": augmentation.Adaptive(interval=2, images=100, initial=0.3),
            **adam(),
        },
        images,
    ),
    "instance_noise": (
        dcgan,
        lambda: {
            "augmentation": augmentation.InstanceNoise(0.2, schedules.Linear(1, 0, end=15)),
            "terms": ["r1"],
            **adam(),
        },
        images,
    ),
    "packing": (packed, lambda: {"terms": ["gradient_penalty"], **adam()}, points),
    "spectral_norm": (
        lambda: dcgan(spectral_norm=True, dropout=0.2, minibatch_std=True),
        lambda: {"loss": "hinge", "discriminator_steps": 2, **adam()},
        images,
    ),
    "labels": (
        lambda: dcgan(num_classes=3),
        lambda: {"terms": ["r1"], "augmentation": "diff_augment", **adam()},
        lambda: (images(), LABELS),
    ),
    "translation": (
        translating,
        lambda: {"loss": "least_squares", "ema": 0.99, **adam()},
        lambda: (images(seed=2), images(seed=3)),
        {"latents": None},
    ),
    "bfloat16": (dcgan, lambda: {"terms": ["r1"], **adam()}, images),
    "two_replicas": (
        lambda: dcgan(num_classes=3, dropout=0.1),
        lambda: {"terms": ["r1", "lecam"], "ema": 0.9, "augmentation": "diff_augment", **adam()},
        lambda: (images(), LABELS),
    ),
    "two_replicas_simultaneous": (
        mlp,
        lambda: {"update": "simultaneous", "terms": ["feature_matching"], **sgd()},
        points,
    ),
}


def run(name):
    """Return the hash of a configuration's run."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    networks, options, data, *more = RUNS[name]
    strategy = two_replicas() if "replicas" in name else tf.distribute.get_strategy()
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
    try:
        with strategy.scope():
            model = keras_gan.GAN(*networks(), seed=11, **(more[0] if more else {}))
            model.compile(**options())
    finally:
        keras.config.set_dtype_policy("float32")
    arrays = data()
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    taken = model.discriminator_steps
    dataset = keras_gan.datasets.from_arrays(*arrays, batch_size=BATCH, seed=3)
    history = model.fit(dataset, epochs=taken, verbose=0).history
    assert model.steps in (STEPS, STEPS // taken * taken), model.steps
    condition = arrays[1][:4] if model.conditional else None
    parts = [history[key] for key in sorted(history)]
    parts += [model.generate(4, seed=2, condition=condition)]
    results = model.evaluate(dataset.take(2), return_dict=True, verbose=0)
    parts += [results[key] for key in sorted(results)]
    parts += [np.asarray(variable) for variable in variables(model)]
    return fingerprint(parts)


@functools.cache
def two_replicas():
    """Return one strategy for all runs: a second one's exchanges take the first one's keys."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def variables(model):
    """Return all that a run changes: weights, buffers, seed states, optimizer state."""
    holders = [model.generator, model.discriminator, *model.terms, model.random_state]
    holders += [model.average.network] if model.average else []
    # What augments is found by the public face alone: the layers that hold no network.
    holders += [layer for layer in model._augmentations]
    found = [variable for holder in holders for variable in holder.variables]
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        found += optimizer.variables
    return found


def fingerprint(parts):
    """Return the SHA-256 of numbers and arrays, bit for bit."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.ascontiguousarray(part)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:32]


def of_commit(commit, names):
    """Return the hashes that a commit's library makes, run in a checkout of its own."""
    root = pathlib.Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as directory:
        tree, file = os.path.join(directory, "tree"), os.path.join(directory, "hashes.json")
        subprocess.run(
            ["git", "worktree", "add", "--detach", "--quiet", tree, commit], cwd=root, check=True
        )
        try:
            only = [f"--only={name}" for name in names]
            subprocess.run(
                [sys.executable, __file__, f"--save={file}", *only],
                env={**os.environ, "PYTHONPATH": tree},
                check=True,
            )
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=root, check=True)
        return json.loads(pathlib.Path(file).read_text(encoding="utf-8"))


def main(_):
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    names = _ONLY.value or list(RUNS)
    print(f"keras_gan of {pathlib.Path(keras_gan.__file__).parent}", flush=True)
    hashes = {}
    for name in names:
        hashes[name] = run(name)
        print(f"{name:28} {hashes[name]}", flush=True)
    if _SAVE.value:
        pathlib.Path(_SAVE.value).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    before = None
    if _AGAINST.value:
        before = of_commit(_AGAINST.value, names)
    elif _COMPARE.value:
        before = json.loads(pathlib.Path(_COMPARE.value).read_text(encoding="utf-8"))
    if before is not None:
        apart = [name for name in names if before.get(name) != hashes[name]]
        print(f"{len(names) - len(apart)} of {len(names)} equal to the bit")
        for name in apart:
            print(f"DIFFERS: {name}, {before.get(name)} before")
        sys.exit(bool(apart))


if __name__ == "__main__":
    app.run(main)
