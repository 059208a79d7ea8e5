r"""Train a generator of pictures on captions, score it on unseen ones, and export it.

    python examples/captions.py
    python examples/captions.py --dataset=mnist --run_dir=runs/captions \
        --export_dir=runs/captions/saved_models/captions
    python examples/captions.py --run_dir=runs/captions --say="a tiny green seven on white paper"

The pictures are coloured digits: 10 digits, 6 inks, 3 grounds and 3 sizes, 540 combinations, in
sentences of several forms and synonyms. A fifth of the combinations is held out: each of their
words is known, no picture of them is. The scores say how often each attribute is what the caption
says, of seen combinations, of unseen ones, and of real pictures.

Captions are strings in both networks and in the export. Of a caption, words count, their order does
not; words that no caption of training has are left out, and --say refuses them.

Under the run directory: `samples/` (pictures of each epoch, and an animation), `said.png` of the
sentences of --say, `history.csv`, `checkpoint.keras`, `backup/` and `scores.json`. The same command
resumes an interrupted run exactly from its last backup; --noresume starts a new one.
"""

import difflib
import json
import pathlib
import shutil
import string
import sys

import coloured_digits
import keras
import matplotlib.figure
import numpy as np
from absl import app, flags

import keras_gan
from keras_gan.utils.files import whole_file

PICTURES, READ = 20_000, 6_000  # Of training, and of what the reader of attributes learns from.
CONTROLS = {
    "none": "Captions as they are.",
    "shuffled": "Captions of other pictures.",
    "whole": "Captions in one form, each of which is one word: nothing is told of unseen ones.",
}

_DATASET = flags.DEFINE_enum("dataset", "digits", ["digits", "mnist"], "Where strokes come from.")
_HELD_OUT = flags.DEFINE_float("held_out", 0.2, "Share of combinations held out.", 0.01, 0.9)
_CONTROL = flags.DEFINE_enum(
    "control",
    "none",
    list(CONTROLS),
    " ".join(f"{name}: {text}" for name, text in CONTROLS.items()),
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 16, f"Passes in all over {PICTURES} pictures; those before an interruption too."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Pictures in a batch.")
_WIDTH = flags.DEFINE_integer("width", 16, "Channels of the largest maps.")
_CAPTION_DIM = flags.DEFINE_integer("caption_dim", 64, "Numbers that a caption becomes.")
_MATCHING = flags.DEFINE_float("matching", 0.5, "Weight of the matching-aware term.", 0, 1)
_PENALTY = flags.DEFINE_float("penalty", 2.0, "Weight of the matching-aware gradient penalty.", 0)
_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Of both players.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data and every random draw.")
_SCORED = flags.DEFINE_integer("scored", 2000, "Generated pictures that are scored, twice.", 10)
_SAY = flags.DEFINE_multi_string("say", [], "A sentence to draw; may be given several times.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/captions by default.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Base directory of exports; none by default.")
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


# Data.


def load(part):
    """Return grey digits of a split and their labels."""
    data = keras_gan.datasets.load(_DATASET.value, part, batch_size=500, shuffle=False)
    return [np.concatenate(each) for each in zip(*data.as_numpy_iterator(), strict=True)]


def drawn(combinations, count, part, seed):
    """Return so many pictures of some of the combinations, and their attributes."""
    rng = np.random.default_rng(seed)
    attributes = combinations[rng.integers(len(combinations), size=count)]
    return coloured_digits.pictures(*load(part), attributes, rng), attributes


def said(attributes, seed):
    """Return captions of attributes, varied unless each is to be one word."""
    rng = np.random.default_rng(seed)
    return coloured_digits.captions(attributes, rng, varied=_CONTROL.value != "whole")


def training_data(seen):
    """Return batches of pictures and captions."""
    images, attributes = drawn(seen, PICTURES, "train", _SEED.value)
    captions = said(attributes, _SEED.value)
    if _CONTROL.value == "shuffled":
        captions = np.random.default_rng(_SEED.value).permutation(captions)
    return keras_gan.datasets.from_arrays(images, captions, _BATCH_SIZE.value, _SEED.value)


# Networks.


def encoder(name):
    """Return a network of its own for each player: captions to vectors, a sum of their words'."""
    caption = keras.Input((), dtype="string", name="caption")
    whole = _CONTROL.value == "whole"
    known = said(coloured_digits.COMBINATIONS, 0) if whole else coloured_digits.vocabulary()
    words = keras.layers.TextVectorization(
        vocabulary=sorted(set(known)),
        output_mode="multi_hot",
        split=None if whole else "whitespace",
    )(keras.layers.Reshape((1,))(caption) if whole else caption)
    # The first column says that a word is unknown. Four words tell a picture: their sum is N(0, 1).
    vectors = keras.layers.Dense(
        _CAPTION_DIM.value,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1.0 if whole else 0.5),
    )(words[:, 1:])
    return keras.Model(caption, vectors, name=name)


def build():
    """Return the compiled GAN of pictures under captions."""
    shape = (coloured_digits.SIDE, coloured_digits.SIDE, 3)
    generator, discriminator = keras_gan.networks.dcgan(
        shape, width=_WIDTH.value, condition_dim=_CAPTION_DIM.value
    )
    caption = keras.Input((), dtype="string", name="caption")
    latents, images = generator.inputs[0], discriminator.inputs[0]
    networks = (
        keras.Model([latents, caption], generator([latents, encoder("words")(caption)])),
        keras.Model([images, caption], discriminator([images, encoder("words")(caption)])),
    )
    model = keras_gan.GAN(*networks, seed=_SEED.value)
    model.compile(
        "hinge",
        keras.optimizers.Adam(_RATE.value, beta_1=0.5, beta_2=0.9),
        keras.optimizers.Adam(_RATE.value, beta_1=0.5, beta_2=0.9),
        terms=[
            keras_gan.terms.MatchingAware(_MATCHING.value),
            keras_gan.terms.MatchingAwareGradientPenalty(_PENALTY.value),
        ],
        ema=keras_gan.GeneratorAverage(half_life=10_000, ramp_up=0.05),
    )
    return model


def train(run_dir, seen, held_out):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model = build()
    # Half of them of what was never shown.
    shown = said(np.concatenate([seen[:32], held_out[:32]]), _SEED.value)
    callbacks = [
        keras_gan.callbacks.SampleGrid(run_dir / "samples", condition=shown),
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]
    try:
        model.fit(
            training_data(seen),
            epochs=_EPOCHS.value,
            callbacks=callbacks,
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


# Scores.


def score(model, seen, held_out):
    """Return how often each attribute is what the caption says, and all four of them.

    Args:
        model: what generates; `None` for real pictures alone.
        seen: the combinations that it was trained on.
        held_out: the others.
    """
    everything = coloured_digits.COMBINATIONS
    reader = coloured_digits.Reader.of(*drawn(everything, READ, "train", _SEED.value + 1))
    scores = {}
    for place, (name, combinations) in enumerate((("seen", seen), ("unseen", held_out)), 1):
        seed = 1_000_000 * place
        real, attributes = drawn(combinations, _SCORED.value, "test", seed)
        images = {f"{name}, real": real}
        if model is not None:
            asked = said(attributes, seed)
            images[name] = model.generate(len(asked), seed=seed, condition=asked, batch_size=100)
        for whose, made in images.items():
            right = reader.read(made) == attributes
            shares = dict(zip(coloured_digits.WORDS, right.mean(axis=0), strict=True))
            shares["all"] = right.all(axis=1).mean()
            scores |= {f"{what} right, {whose}": float(share) for what, share in shares.items()}
    return scores


# Sentences of one's own.


def checked(sentences):
    """Return sentences as they are.

    Raises:
        UsageError: when one has a word that no caption of training has.
    """
    known = coloured_digits.vocabulary()
    for sentence in sentences:
        words = sentence.lower().translate(str.maketrans("", "", string.punctuation)).split()
        strange = [word for word in words if word not in known]
        if strange:
            near = difflib.get_close_matches(strange[0], known, n=3)
            raise app.UsageError(
                f"Expected words of the captions of training. Received: {' '.join(strange)}. "
                + (f"Near the first: {', '.join(near)}. " if near else "")
                + f"All words: {', '.join(known)}"
            )
    return sentences


def draw(model, sentences, path, columns=8):
    """Write a picture of what the generator makes of sentences, a row each."""
    rows = len(sentences)
    figure = matplotlib.figure.Figure((columns * 0.8, rows * 1.05), layout="constrained")
    for axes, sentence in zip(
        np.atleast_1d(figure.subplots(rows, squeeze=False).squeeze(1)), sentences, strict=True
    ):
        made = model.generate(columns, seed=0, condition=np.array([sentence] * columns))
        axes.imshow(keras_gan.callbacks.image_grid(made, columns=columns))
        axes.set_title(sentence, fontsize=9)
        axes.axis("off")
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=150, format="png")


def main(_):
    sentences = checked(_SAY.value)
    keras.utils.set_random_seed(_SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or "runs/captions")
    run_dir.mkdir(parents=True, exist_ok=True)
    seen, held_out = coloured_digits.split(_HELD_OUT.value, _SEED.value)
    model = train(run_dir, seen, held_out)
    scores = score(model, seen, held_out)
    for name, value in scores.items():
        print(f"{name:>28}: {value:.4f}")
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(json.dumps(scores, indent=2) + "\n")
    if sentences:
        draw(model, sentences, run_dir / "said.png")
        print(f"Your sentences are drawn in {run_dir / 'said.png'}")
    print(f"Pictures, history, scores and checkpoint are in {run_dir}")
    if _EXPORT_DIR.value:
        card = {"data": f"Coloured digits, strokes of {_DATASET.value}.", "metrics": scores}
        path = model.export(_EXPORT_DIR.value, card=card)
        print(f"Exported for TensorFlow Serving: {path}")


if __name__ == "__main__":
    app.run(main)
