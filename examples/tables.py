r"""Train a generator of table rows on any CSV, score it beside simpler ways, and write rows.

    python examples/tables.py
    python examples/tables.py --csv=adult.csv --target=income --missing="?" --run_dir=runs/adult
    python examples/tables.py --csv=adult.csv --target=income --missing="?" --run_dir=runs/adult \
        --sample=1000000

Columns are numbers of several modes, with values that many rows share, categories, dates and
missing values: `table_columns.py` makes rows of them and tables of rows. Training is by sampling,
as in CTGAN: a category is chosen, the discriminator sees real rows that have it, and the generator
is told it and has to show it. Without --csv the table is one that scikit-learn has.

A part of the rows is held out. The scores are SDMetrics's column shapes and pair trends; a
classifier of the target that is trained on generated rows and tested on held-out ones; how well a
classifier tells generated rows from held-out ones; whether they are nearer to training rows than to
held-out ones, and how many are copies. Beside them are the training rows, independent columns, and
columns that are shuffled within each class.

Under the run directory: `columns.json`, `history.csv`, `checkpoint.keras`, `backup/`,
`scores.json`, `columns.png` and, of --sample, `sampled.csv`. The same command resumes an
interrupted run exactly from its last backup; --noresume starts a new one.
"""

import json
import pathlib
import shutil
import sys

import keras
import matplotlib.dates
import matplotlib.figure
import numpy as np
import pandas as pd
import tensorflow as tf
from absl import app, flags
from keras import layers, ops
from sklearn import datasets, model_selection
from table_columns import Category, Columns
from table_scores import score, shuffled, shuffled_within

import keras_gan
from keras_gan.utils.files import whole_file

STEPS_PER_EPOCH = 100
GENERATED = 10_000  # Rows made at once, whatever is asked for.

_CSV = flags.DEFINE_string(
    "csv", None, "A table with a header; scikit-learn's cancer data if none."
)
_TARGET = flags.DEFINE_string("target", None, "The column that classifiers are to tell.")
_TEST = flags.DEFINE_string("test", None, "A CSV of held-out rows; by default a part of --csv.")
_HELD_OUT = flags.DEFINE_float("held_out", 0.3, "Share of rows held out without --test.", 0.01, 0.9)
_DROP = flags.DEFINE_list("drop", [], "Columns to leave out.")
_DATES = flags.DEFINE_list("dates", [], "Columns that are dates.")
_MISSING = flags.DEFINE_list("missing", [], "What stands for missing values, beside nothing.")
_CHECK = flags.DEFINE_multi_string(
    "check", [], "What should hold of a row, as pandas.DataFrame.eval has it; may be given often."
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 40, f"Epochs in all, of {STEPS_PER_EPOCH} steps; those before an interruption too."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 500, "Rows in a batch.", 10)
_WIDTH = flags.DEFINE_integer("width", 256, "Units of a hidden layer.")
_LATENT_DIM = flags.DEFINE_integer("latent_dim", 128, "Normal latents.")
_RATE = flags.DEFINE_float("learning_rate", 5e-4, "Of both players.")
_PENALTY = flags.DEFINE_float("penalty", 0.1, "Weight of the gradient penalties R1 and R2.")
_CHOSEN = flags.DEFINE_float("chosen", 1.0, "Weight of showing the category that was asked for.")
_TEMPERATURE = flags.DEFINE_float("temperature", 0.2, "Of the categories that are drawn.")
_SAMPLE = flags.DEFINE_integer("sample", 0, "Rows to write to sampled.csv.", 0)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/tables by default.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Base directory of exports; none by default.")
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


# Data.


def load():
    """Return the rows of training and the held-out ones, and the target's name."""
    if _CSV.value is None:
        frame = datasets.load_breast_cancer(as_frame=True).frame
        return *_split(frame), "target"
    frame = _read(_CSV.value)
    target = _TARGET.value or frame.columns[-1]
    for name in (target, *_DROP.value, *_DATES.value):
        if name not in {*frame.columns, *_DROP.value}:
            raise app.UsageError(f"Expected a column of the table. Received: {name!r}")
    if _TEST.value:
        return frame, _read(_TEST.value)[frame.columns], target
    return *_split(frame), target


def _read(path):
    frame = pd.read_csv(
        path,
        skipinitialspace=True,
        na_values=_MISSING.value,
        parse_dates=[name for name in _DATES.value if name not in _DROP.value],
    )
    return frame.drop(columns=[name for name in _DROP.value if name in frame])


def _split(frame):
    parts = model_selection.train_test_split(
        frame, test_size=_HELD_OUT.value, random_state=_SEED.value
    )
    return tuple(part.reset_index(drop=True) for part in parts)


class Conditions:
    """Categories to ask for, and the rows that have them.

    Attributes:
        width: of a condition: all categories of all columns of these, with a single 1.
    """

    def __init__(self, columns, frame):
        places = [each for each in columns.columns if isinstance(each, Category)]
        if not places:
            raise app.UsageError("Expected a column of categories to ask for. Received: none")
        codes = [each.encode(frame[each.name], None).argmax(axis=1) for each in places]
        self.rows = [
            [np.flatnonzero(code == value) for value in range(each.choices)]
            for each, code in zip(places, codes, strict=True)
        ]
        self.starts = np.cumsum([0, *(each.choices for each in places)])
        self.width = int(self.starts[-1])

    def draw(self, count, rng, rare=True):
        """Return the places of the 1, and a row of the data that has each category.

        Args:
            count: how many.
            rng: what draws.
            rare: whether rare categories are as CTGAN draws them, by the logarithm of their
                count; if not, as the data have them.
        """
        chosen, rows = np.empty(count, int), np.empty(count, int)
        columns = rng.integers(len(self.rows), size=count)
        for column, of_values in enumerate(self.rows):
            here = np.flatnonzero(columns == column)
            counts = np.array([len(each) for each in of_values], "float64")
            weights = np.log1p(counts) if rare else counts
            values = rng.choice(len(of_values), size=len(here), p=weights / weights.sum())
            chosen[here] = self.starts[column] + values
            uniform = rng.random(len(here))
            rows[here] = [
                of_values[value][int(u * len(of_values[value]))]
                for value, u in zip(values, uniform, strict=True)
            ]
        return chosen, rows

    def one_hot(self, chosen):
        """Return conditions of the places of their 1."""
        return np.eye(self.width, dtype="float32")[chosen]


def training_data(rows, conditions):
    """Return batches of real rows and the categories that they were chosen by.

    What a batch holds depends on its number alone, so that a run goes on as if never ended.
    """
    size = _BATCH_SIZE.value

    def batch(number):
        rng = np.random.default_rng((_SEED.value, int(number)))
        chosen, places = conditions.draw(size, rng)
        return rows[places], conditions.one_hot(chosen)

    def shaped(number):
        x, condition = tf.numpy_function(batch, [number], (tf.float32, tf.float32))
        return (
            tf.ensure_shape(x, (size, rows.shape[1])),
            tf.ensure_shape(condition, (size, conditions.width)),
        )

    def from_epoch(epoch, skip=0):
        numbers = tf.data.Dataset.range(
            epoch * STEPS_PER_EPOCH + skip, (epoch + 1) * STEPS_PER_EPOCH
        )
        return numbers.map(shaped).prefetch(2)

    dataset = from_epoch(0)
    dataset.seek = from_epoch
    return dataset


# Networks.


@keras.saving.register_keras_serializable("tables")
class ShowsTheChosen(keras_gan.terms.Term):
    """Pay the generator for rows that have the category that was asked for.

    Formula, p being the generator's own probabilities of the chosen column's categories:

    ```
    L_G += -weight E log p(chosen)
    ```

    Args:
        starts: where each column of categories begins among them all, and the end.
        weight: of the term.
        name: key in the logs.

    Reference:
        - [Xu et al., 2019](https://arxiv.org/abs/1907.00503), Section 4.3
    """

    def __init__(self, starts, weight=1.0, name="chosen", **kwargs):
        super().__init__(weight=weight, name=name, **kwargs)
        self.starts = [int(each) for each in starts]

    def generator_term(self, step):
        """Return the cross-entropy of each row."""
        logits, chosen = step.generated["logits"], step.condition
        parts = zip(self.starts[:-1], self.starts[1:], strict=True)
        return -sum(
            ops.sum(chosen[:, i:j] * ops.log_softmax(logits[:, i:j]), axis=-1) for i, j in parts
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "starts": self.starts}


def generator(columns, width):
    """Return the generator: latents and a condition to a row, and the categories' logits."""
    entries = sum(each.choices for each in columns.columns)
    z = keras.Input((_LATENT_DIM.value,), name="z")
    u = keras.Input((entries,), name="u")
    condition = keras.Input((width,), name="condition")
    x = layers.Concatenate()([z, condition])
    for _ in range(2):
        y = layers.Dense(_WIDTH.value, use_bias=False)(x)
        x = layers.Concatenate()([x, layers.ReLU()(layers.LayerNormalization()(y))])
    outputs, logits, start = [], [], 0
    for each in columns.columns:
        if each.has_scalar:
            outputs.append(layers.Dense(1, "tanh", dtype="float32")(x))
        of_column = layers.Dense(each.choices, dtype="float32")(x)
        uniform = u[:, start : start + each.choices]
        outputs.append(keras_gan.layers.GumbelSoftmax(_TEMPERATURE.value)([of_column, uniform]))
        start += each.choices
        if isinstance(each, Category):
            logits.append(of_column)
    samples = layers.Concatenate(name="rows")(outputs)
    made = {"samples": samples, "logits": layers.Concatenate()(logits)}
    return keras.Model([{"z": z, "u": u}, condition], made, name="generator")


def discriminator(columns, width):
    """Return the discriminator: a row and a condition to a logit."""
    rows, condition = keras.Input((columns.width,)), keras.Input((width,))
    x = layers.Concatenate()([rows, condition])
    for _ in range(2):
        x = layers.LeakyReLU(0.2)(layers.Dense(_WIDTH.value)(x))
    logits = layers.Dense(1, dtype="float32")(x)
    return keras.Model([rows, condition], logits, name="discriminator")


def build(columns, conditions):
    """Return the compiled GAN of a table's rows."""
    entries = sum(each.choices for each in columns.columns)
    latents = {
        "z": keras_gan.latents.Normal(_LATENT_DIM.value),
        "u": keras_gan.latents.Uniform(entries, 0, 1),
    }
    model = keras_gan.GAN(
        generator(columns, conditions.width),
        discriminator(columns, conditions.width),
        latents=latents,
        seed=_SEED.value,
    )
    model.compile(
        "relativistic_pairing",
        keras.optimizers.Adam(_RATE.value, beta_1=0.0, beta_2=0.99),
        keras.optimizers.Adam(_RATE.value, beta_1=0.0, beta_2=0.99),
        terms=[
            keras_gan.terms.R1(_PENALTY.value),
            keras_gan.terms.R2(_PENALTY.value),
            ShowsTheChosen(conditions.starts, _CHOSEN.value),
        ],
        ema=keras_gan.GeneratorAverage(half_life=100_000, ramp_up=0.05),
    )
    return model


def train(run_dir, rows, columns, conditions):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model = build(columns, conditions)
    callbacks = [
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]
    try:
        model.fit(
            training_data(rows, conditions),
            epochs=_EPOCHS.value,
            callbacks=callbacks,
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


# Rows.


def made(model, columns, conditions, count, first_seed):
    """Yield tables of generated rows, of as many rows as fit in memory at a time."""
    for start in range(0, count, GENERATED):
        size, seed = min(GENERATED, count - start), first_seed + start
        chosen, _ = conditions.draw(size, np.random.default_rng(seed), rare=False)
        asked = conditions.one_hot(chosen)
        yield columns.decode(model.generate(size, seed=seed, condition=asked, batch_size=1_000))


def write(tables, count, path):
    """Write tables below each other as one CSV, with a progress bar."""
    bar = keras.utils.Progbar(count, unit_name="row", verbose=int(_VERBOSE.value != "0"))
    with whole_file(path) as partial, open(partial, "w", newline="") as file:
        for number, table in enumerate(tables):
            table.to_csv(file, header=number == 0, index=False)
            bar.add(len(table))


def draw(columns, train, fake, path):
    """Write a picture of each column's values, real and generated."""
    count = len(columns.columns)
    rows = -(-count // 4)
    figure = matplotlib.figure.Figure((14, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, 4, squeeze=False).flat
    for axes, each in zip(panels, columns.columns, strict=False):
        axes.set_title(each.name, fontsize=9)
        pair = train[each.name], fake[each.name]
        if isinstance(each, Category):
            _draw_shares(axes, *pair)
        else:
            _draw_densities(axes, *pair, each.dtype.startswith("datetime"))
    for axes in figure.axes[count:]:
        axes.axis("off")
    figure.legend(["real", "generated"], loc="outside upper right", ncols=2, frameon=False)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110, format="png")


def _draw_shares(axes, *pair, most=12):
    shares = [series.value_counts(normalize=True, dropna=False) for series in pair]
    shown = shares[0].index[:most]
    place = np.arange(len(shown))
    for offset, share in zip((-0.2, 0.2), shares, strict=True):
        axes.bar(place + offset, share.reindex(shown).fillna(0), 0.4)
    names = ["missing" if pd.isna(name) else str(name)[:12] for name in shown]
    axes.set_xticks(place, names, rotation=60, fontsize=6)


def _draw_densities(axes, real, fake, dates):
    real, fake = (series.dropna() for series in (real, fake))
    if dates:
        real, fake = (matplotlib.dates.date2num(series) for series in (real, fake))
        axes.xaxis_date()
        axes.tick_params("x", rotation=60, labelsize=6)
    bins = np.histogram_bin_edges(real, 40)
    for values in (real, fake):
        axes.hist(values, bins, density=True, alpha=0.6)


def main(_):
    keras.utils.set_random_seed(_SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or "runs/tables")
    run_dir.mkdir(parents=True, exist_ok=True)
    train_rows, test_rows, target = load()
    columns = Columns.of(train_rows, _SEED.value)
    with whole_file(run_dir / "columns.json") as partial:
        partial.write_text(columns.to_json())
    conditions = Conditions(columns, train_rows)
    model = train(run_dir, columns.encode(train_rows, _SEED.value), columns, conditions)
    fake = pd.concat(made(model, columns, conditions, len(train_rows), 1_000_000))
    fake = fake.reset_index(drop=True)
    rng = np.random.default_rng(0)
    compared = {
        "generated": fake,
        "shuffled within classes": shuffled_within(train_rows, target, rng),
        "independent columns": shuffled(train_rows, rng),
        "training rows": train_rows,
    }
    scores = {}
    for name, table in compared.items():
        scores[name] = score(table, train_rows, test_rows, target, columns, _CHECK.value)
    shown = pd.DataFrame(scores)
    print(shown.to_string(float_format=lambda value: f"{value:.4f}"))
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(json.dumps(scores, indent=2) + "\n")
    draw(columns, train_rows, fake, run_dir / "columns.png")
    if _SAMPLE.value:
        tables = made(model, columns, conditions, _SAMPLE.value, 2_000_000_000)
        write(tables, _SAMPLE.value, run_dir / "sampled.csv")
    print(f"Columns, history, scores and checkpoint are in {run_dir}")
    if _EXPORT_DIR.value:
        card = {
            "data": f"Rows of {_CSV.value or 'breast cancer data'}.",
            "metrics": scores["generated"],
        }
        print(f"Exported for TensorFlow Serving: {model.export(_EXPORT_DIR.value, card=card)}")


if __name__ == "__main__":
    app.run(main)
