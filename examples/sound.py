r"""Train a generator of short sounds on a folder of them, score it and export it.

    python examples/sound.py
    python examples/sound.py --data=path/to/hits --run_dir=runs/hits \
        --export_dir=runs/hits/saved_models/hits

Sounds are files of any format in the folder, or in one folder for each kind; without --data they
are hits of three kinds that a few lines of NumPy make. The networks are WaveGAN's, a quarter as
wide, and are told the kind where there are kinds. A part of the sounds is held out.

Under the run directory: `samples/` (a WAV file and a picture of spectrograms each epoch, and an
animation), `history.csv`, `checkpoint.keras`, `backup/` and `scores.json`. The same command resumes
an interrupted run exactly from its last backup; --noresume starts a new one.
"""

import json
import pathlib
import shutil
import sys

import keras
import numpy as np
from absl import app, flags
from sklearn import decomposition, linear_model, pipeline, preprocessing

import keras_gan
from keras_gan import metrics
from keras_gan.utils.files import whole_file

STEPS_PER_EPOCH = 100
# Of the spectrograms that sounds are scored by.
BANDS, STRIDE = 40, 128

_DATA = flags.DEFINE_string("data", None, "Folder of sounds, or of folders of them, one a kind.")
_LENGTH = flags.DEFINE_integer("length", 4096, "Steps of a sample.", lower_bound=64)
_SAMPLING_RATE = flags.DEFINE_integer("sampling_rate", 8000, "In Hz, of what is trained on.")
_SLICES = flags.DEFINE_enum(
    "slices", "first", ["first", "all"], "The beginning of each file, or all of it in slices."
)
_HELD_OUT = flags.DEFINE_float("held_out", 0.2, "Share of the sounds that is held out.", 0.01, 0.9)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 60, f"Epochs in all, of {STEPS_PER_EPOCH} steps; those before an interruption too."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Sounds in a batch.")
_WIDTH = flags.DEFINE_integer("width", 16, "Channels of the largest maps; 64 in the paper.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 5e-4, "Of both players.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")
_SCORED = flags.DEFINE_integer("scored", 1000, "Generated sounds that are scored.", 10)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/sound by default.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Base directory of exports; none by default.")
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


# Data.


def load():
    """Return training sounds and held-out ones, each an array and its kinds or `None`."""
    if _DATA.value is None:
        sounds, kinds = synthesized()
    else:
        data = keras_gan.datasets.from_sounds(
            _DATA.value, _LENGTH.value, _SAMPLING_RATE.value, shuffle=False, slices=_SLICES.value
        )
        batches = [batch if isinstance(batch, tuple) else (batch,) for batch in data]
        sounds, *kinds = (np.concatenate(part) for part in zip(*batches, strict=True))
        kinds = kinds[0] if kinds else None
    held_out = np.zeros(len(sounds), bool)
    # Of each kind the same share, at even distances in the order of the files.
    for kind in [None] if kinds is None else np.unique(kinds):
        rows = np.flatnonzero(np.ones(len(sounds)) if kind is None else kinds == kind)
        count = max(1, round(_HELD_OUT.value * len(rows)))
        if count == len(rows):
            raise app.UsageError(
                "There are too few sounds to train on some and hold some out. Received: "
                f"{len(rows)}{'' if kind is None else f' of kind {kind}'}, "
                f"--held_out={_HELD_OUT.value}"
            )
        held_out[rows[np.linspace(0, len(rows) - 1, count).astype(int)]] = True
    parts = (~held_out, held_out)
    return [(sounds[part], None if kinds is None else kinds[part]) for part in parts]


def synthesized(count=200):
    """Return hits of three kinds, kick, tom and hat, that differ in pitch, length and loudness."""
    rng, kinds = np.random.default_rng(0), np.arange(count) % 3
    seconds = np.arange(_LENGTH.value) / _SAMPLING_RATE.value
    sounds = []
    for kind in kinds:
        pitch, decay = rng.uniform(
            ((50, 8), (120, 10), (0, 30))[kind], ((70, 14), (220, 18), (1, 60))[kind]
        )
        falling = pitch * (1 + np.exp(-40 * seconds))
        tone = np.sin(2 * np.pi * np.cumsum(falling) / _SAMPLING_RATE.value)
        noise = np.diff(rng.normal(size=len(seconds) + 1)) / 3
        sound = (noise if kind == 2 else tone) * np.exp(-decay * seconds)
        sounds.append(rng.uniform(0.4, 0.9) * sound / np.abs(sound).max())
    return np.float32(sounds)[..., None], np.int32(kinds)


def training_data(sounds, kinds):
    """Return batches of sounds and their kinds, as many passes as an epoch takes."""
    once = keras_gan.datasets.from_arrays(sounds, kinds, _BATCH_SIZE.value, _SEED.value)
    passes = -(-STEPS_PER_EPOCH // len(once))
    dataset = once.repeat(passes)
    dataset.seek = lambda epoch, skip=0: once.seek(epoch * passes, skip)
    return dataset


def build(classes):
    """Return the compiled GAN.

    The paper's critic has five updates to one of the generator's (`keras_gan.recipes.wavegan`):
    too slow for some minutes of a CPU.
    """
    networks = keras_gan.networks.wavegan(
        (_LENGTH.value, 1), width=_WIDTH.value, num_classes=classes
    )
    model = keras_gan.GAN(*networks, latents=keras_gan.latents.Uniform(100), seed=_SEED.value)
    model.compile(
        "non_saturating",
        keras.optimizers.Adam(_LEARNING_RATE.value, beta_1=0.5, beta_2=0.9),
        keras.optimizers.Adam(_LEARNING_RATE.value, beta_1=0.5, beta_2=0.9),
        terms=[keras_gan.terms.R1(1.0, interval=4)],
        ema=keras_gan.GeneratorAverage(half_life=5_000, ramp_up=0.05),
    )
    return model


def train(run_dir, sounds, kinds):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model = build(None if kinds is None else int(kinds.max()) + 1)
    callbacks = [
        keras_gan.callbacks.SampleSound(run_dir / "samples", _SAMPLING_RATE.value),
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]
    try:
        model.fit(
            training_data(sounds, kinds),
            epochs=_EPOCHS.value,
            callbacks=callbacks,
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


# Scores.


def bands(sounds):
    """Return the log-mel spectrograms of sounds, one row each."""
    layer = keras_gan.layers.LogMelSpectrogram(
        _SAMPLING_RATE.value, BANDS, fft_length=4 * STRIDE, sequence_stride=STRIDE
    )
    return np.asarray(layer(sounds)).reshape(len(sounds), -1)


def score(model, splits):
    """Return how sounds of each kind are told, and how near they are to those of training."""
    (train, kinds), (held_out, held_out_kinds) = splits
    asked = None
    if kinds is not None:
        asked = np.random.default_rng(0).permutation(np.resize(np.sort(kinds), _SCORED.value))
    made = model.generate(_SCORED.value, seed=1_000_000, condition=asked, batch_size=100)
    scaler = preprocessing.StandardScaler().fit(bands(train))
    known, new, fake = (scaler.transform(bands(each)) for each in (train, held_out, made))
    apart = [metrics.nearest_neighbour(rows, known).mean() for rows in (fake, new)]
    scores = {
        "distance to the nearest training sound, share of held-out ones'": apart[0] / apart[1],
        "kernel distance to held-out": metrics.kernel_distance(new, fake)["mean"],
    }
    if kinds is None:
        return scores
    components = min(40, len(known) - 1)
    told = pipeline.make_pipeline(
        decomposition.PCA(components, random_state=0),
        linear_model.LogisticRegression(max_iter=5000),
    ).fit(known, kinds)
    return {
        "kind told right, generated": np.mean(told.predict(fake) == asked),
        "kind told right, held-out": np.mean(told.predict(new) == held_out_kinds),
        "largest kind, share": np.bincount(kinds).max() / len(kinds),
        **scores,
    }


def main(_):
    keras.utils.set_random_seed(_SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or "runs/sound")
    run_dir.mkdir(parents=True, exist_ok=True)
    splits = load()
    model = train(run_dir, *splits[0])
    scores = {name: float(value) for name, value in score(model, splits).items()}
    for name, value in scores.items():
        print(f"{name:>64}: {value:.4f}")
    text = json.dumps(scores, indent=2) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text)
    print(f"Sounds, history, scores and checkpoint are in {run_dir}")
    if _EXPORT_DIR.value:
        card = {"data": f"Sounds of {_DATA.value or 'hits made by NumPy'}.", "metrics": scores}
        path = model.export(_EXPORT_DIR.value, card=card, sampling_rate=_SAMPLING_RATE.value)
        print(f"Exported for TensorFlow Serving: {path}")


if __name__ == "__main__":
    app.run(main)
