r"""Score a generator against a dataset: a saved model, an exported one, or a folder of its images.

    python examples/evaluate.py --model=runs/digits/checkpoint.keras
    python examples/evaluate.py --model=runs/digits/saved_models/digits --extractor=classifier
    python examples/evaluate.py --model=path/to/pngs --dataset=cifar10 --samples=10000
    python examples/evaluate.py --model=faces.keras --dataset=faces/test --train_dataset=faces/train

--model is a `.keras` file, a SavedModel of `model.export` (a version's directory, or the one above
it: the newest version), or a folder of images that were made elsewhere. Real samples are those of
--split, which the generator was not trained on. The table has a second column, the floor: the same
metrics of training samples in place of generated ones. No generator is expected to do better.

The results, and all it takes to reproduce them, are written as JSON too. They are comparable only
where the extractor, the counts of samples and the real samples are the same.
"""

import dataclasses
import datetime
import hashlib
import inspect
import json
import math
import os
import pathlib
import platform
import sys
import textwrap
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import keras_gan
from keras_gan import metrics

_MODEL = flags.DEFINE_string(
    "model", None, "A .keras file, an exported SavedModel, or a folder of images.", required=True
)
_DATASET = flags.DEFINE_string("dataset", "digits", "Real samples: a dataset's name, or a folder.")
_SPLIT = flags.DEFINE_string("split", None, "Its split; 'test', of a folder 'train': all of it.")
_TRAIN_DATASET = flags.DEFINE_string(
    "train_dataset", None, "What the generator was trained on; by default --dataset."
)
_TRAIN_SPLIT = flags.DEFINE_string("train_split", "train", "Split of --train_dataset.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", None, "Side to resize real images to, in pixels.")
_SAMPLES = flags.DEFINE_integer(
    "samples",
    None,
    "Generated samples; by default as many as there are real ones, and 1,000 at least; of a "
    "folder no more than it holds.",
    lower_bound=1,
)
_REAL_SAMPLES = flags.DEFINE_integer(
    "real_samples", 10_000, "Real samples at most, drawn from the split.", lower_bound=1
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of the first generated sample, and of the order of real ones.", lower_bound=0
)
_EXTRACTOR = flags.DEFINE_enum(
    "extractor",
    "pixels",
    ["pixels", "classifier", "inception_v3", "inception_2015"],
    "What samples are compared by; a classifier is trained on the labels, and kept for next time.",
)
_WEIGHTS = flags.DEFINE_string("weights", None, "File of Inception's weights.")
_METRICS = flags.DEFINE_list("metrics", None, "Names; by default those that apply.")
_FLOOR = flags.DEFINE_bool("floor", True, "Score training samples too; takes as long again.")
_JSON = flags.DEFINE_string("json", None, "File to write; <model>.scores.json by default.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 250, "Samples at a time.", lower_bound=1)

LEAKED = 0.1  # Share of training samples from which on real ones are not held out.
MIXTURES = "gaussian", "ring", "grid"


@dataclasses.dataclass
class Data:
    """Samples in random order, with their labels if they have any."""

    dataset: str
    split: str
    x: np.ndarray
    labels: np.ndarray | None
    available: int

    def first(self, count):
        """Return the first samples, as data."""
        labels = None if self.labels is None else self.labels[:count]
        return dataclasses.replace(self, x=self.x[:count], labels=labels)

    def batches(self):
        """Return the list of batches."""
        size = _BATCH_SIZE.value
        return [self.x[i : i + size] for i in range(0, len(self.x), size)]

    def describe(self):
        """Return what it is, as a dict."""
        kept = {"dataset": self.dataset, "split": self.split, "image_size": _IMAGE_SIZE.value}
        return {**kept, "samples": len(self.x), "available": self.available}


@dataclasses.dataclass
class Source:
    """Where generated samples come from.

    `make(first, count, labels)` returns the samples number first, first + 1, ...
    """

    kind: str
    path: pathlib.Path
    make: Callable
    conditional: bool = False
    available: int | None = None  # `None`: as many as one likes.

    def batches(self, count, labels):
        """Yield samples, to labels of real samples where the generator takes one."""
        for first in range(0, count, _BATCH_SIZE.value):
            rows = np.arange(first, min(first + _BATCH_SIZE.value, count))
            condition = labels[rows % len(labels)] if self.conditional else None
            yield self.make(first, len(rows), condition)

    def describe(self, count):
        """Return what it is, as a dict."""
        seeds = None if self.available else [_SEED.value, _SEED.value + count - 1]
        found = {"path": str(self.path), "kind": self.kind, "sha256": digest(self.path)}
        return {**found, "samples": count, "seeds": seeds, "conditional": self.conditional}


def digest(path):
    """Return the SHA-256 of a file, or of all names and files under a directory."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(path)).encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def open_source(path):
    """Return the source that a path stands for."""
    if path.suffix == ".keras" and path.is_file():
        return open_keras(path)
    if (path / "saved_model.pb").is_file():
        return open_saved_model(path)
    if path.is_dir():
        versions = [p for p in path.iterdir() if p.name.isdecimal() and p.is_dir()]
        if versions:
            return open_saved_model(max(versions, key=lambda version: int(version.name)))
        return open_folder(path)
    what = "it is another file" if path.exists() else "there is nothing of that name"
    raise ValueError(
        "Expected a .keras file, a directory that `model.export` wrote, or a folder of images; "
        f"{what}. Received: --model={path}"
    )


def open_keras(path):
    """Return the source that a saved GAN is."""
    try:
        model = keras_gan.load_model(path)
    except (TypeError, ValueError, OSError) as error:
        raise ValueError(
            "The file can't be loaded. A model with classes of your own needs these registered "
            "and imported here; its export does without them: `model.export(directory)`. "
            f"Received: --model={path} ({error})"
        ) from error
    if not isinstance(model, keras_gan.GAN):
        raise ValueError(
            "Expected a saved keras_gan.GAN. "
            f"Received: --model={path}, which holds a {type(model).__name__}"
        )

    def make(first, count, labels):
        return model.generate(count, _SEED.value + first, labels, batch_size=count)

    return Source("Keras model", path, make, model.conditional)


def open_saved_model(path):
    """Return the source that an exported generator is; it needs none of its Python classes."""
    keras_gan.export.verify(path)
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError) as error:
        raise ValueError(f"The SavedModel can't be loaded: {error} Received: {path}") from error
    sample = loaded.signatures.get("sample")
    inputs = sample.structured_input_signature[1] if sample else {}
    if "seed" not in inputs or not {*inputs} <= {"seed", "truncation", "condition"}:
        raise ValueError(
            "Expected what `export` of a keras_gan.GAN with latents writes: the signature `sample` "
            "of a `seed`, and of a label as `condition` at most. "
            f"Received: {path}, with {sorted(loaded.signatures)} and inputs {sorted(inputs)}"
        )

    def make(first, count, labels):
        seeds = np.arange(first, first + count) + _SEED.value
        condition = {}
        if labels is not None:
            condition["condition"] = tf.cast(labels, inputs["condition"].dtype)
        free = {"truncation": tf.constant([np.inf])} if "truncation" in inputs else {}
        latents = sample(seed=tf.constant(seeds, tf.int64), **condition, **free)["latents"]
        # Not the images of `sample`, which are rounded to 8 bits: those that the model makes.
        return loaded.signatures["serving_default"](latents=latents, **condition)["images"].numpy()

    # The signature lives as long as the model does.
    make.model = loaded
    return Source("SavedModel", path, make, "condition" in inputs)


def open_folder(path):
    """Return the source that a folder of images is, in the order of their names."""
    x, _ = read(keras_gan.datasets.from_folder(path, _BATCH_SIZE.value, shuffle=False))

    def make(first, count, labels):
        return x[first : first + count]

    return Source("folder of images", path, make, available=len(x))


def read(dataset):
    """Return all samples of a dataset, and their labels or `None`."""
    batches = [b if isinstance(b, tuple) else (b,) for b in dataset.as_numpy_iterator()]
    x, *labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    return x, labels[0] if labels else None


def load(dataset, split):
    """Return a split of a dataset in random order: it may be sorted by class on disk."""
    print(f"Reading {dataset}, split {split} ...", flush=True)
    x, labels = read(
        keras_gan.datasets.load(
            dataset,
            split,
            batch_size=_BATCH_SIZE.value,
            shuffle=False,
            image_size=_IMAGE_SIZE.value,
        )
    )
    order = np.random.default_rng(_SEED.value).permutation(len(x))
    return Data(dataset, split, x[order], None if labels is None else labels[order], len(x))


def load_real():
    """Return the real samples that generated ones are compared with."""
    dataset = _DATASET.value
    is_folder = os.path.basename(dataset) != dataset and os.path.isdir(dataset)
    split = _SPLIT.value or ("train" if is_folder else "test")
    return load(dataset, split).first(_REAL_SAMPLES.value)


def load_training(real):
    """Return what the generator was trained on, and how much of the real samples is in it.

    Nothing where nothing looks at it.
    """
    asked = _METRICS.value is None or "nearest_neighbour" in _METRICS.value
    if not (_FLOOR.value or asked or _EXTRACTOR.value == "classifier"):
        return None, None
    training = load(_TRAIN_DATASET.value or _DATASET.value, _TRAIN_SPLIT.value)
    if training.x.shape[1:] != real.x.shape[1:]:
        raise ValueError(
            "Expected training and real samples of one shape: pass --image_size to resize both. "
            f"Received: {training.x.shape[1:]} and {real.x.shape[1:]}"
        )
    known = {hash(row.tobytes()) for row in training.x}
    return training, float(np.mean([hash(row.tobytes()) in known for row in real.x]))


def check_fit(source, real):
    """Refuse a source that can't make samples like the real ones, before much is computed."""
    if source.conditional and real.labels is None:
        raise ValueError(
            "The generator takes a label with each seed, and this dataset has none. "
            f"Received: --dataset={real.dataset}"
        )
    (sample,) = next(source.batches(1, real.labels))
    if sample.shape != real.x.shape[1:]:
        raise ValueError(
            f"The generated samples are of shape {sample.shape}, the real ones of shape "
            f"{real.x.shape[1:]}. --image_size=pixels resizes the real ones; if these are not "
            f"what it was trained on, pass another --dataset. Received: --dataset={real.dataset}, "
            f"--image_size={_IMAGE_SIZE.value}"
        )


def count_samples(source, real):
    """Return how many generated samples to score."""
    available = source.available or math.inf
    wanted = _SAMPLES.value or min(max(len(real.x), 1000), available)
    if available < wanted:
        raise ValueError(
            f"Expected {wanted} images to score, and the folder holds {available}: leave --samples "
            f"out to score these. Received: --model={source.path}, --samples={wanted}"
        )
    return wanted


def load_extractor(training):
    """Return features, and the classifier that they are of or `None`."""
    if _EXTRACTOR.value == "pixels":
        return metrics.features.pixels(), None
    if _EXTRACTOR.value == "inception_v3":
        classifier = metrics.features.InceptionV3(_WEIGHTS.value)
    elif _EXTRACTOR.value == "inception_2015":
        classifier = metrics.features.Inception2015(_WEIGHTS.value or "classify_image_graph_def.pb")
    elif training.labels is None:
        raise ValueError(
            "A classifier is trained on labels, and there are none: pass another --extractor. "
            f"Received: --extractor=classifier, training data {training.dataset!r}"
        )
    else:
        classifier = metrics.features.train_classifier((training.x, training.labels))
    return classifier.features, classifier


def metric_names(real, training, overlap):
    """Return the names that were asked for, or those that apply."""
    held_out = training is not None and overlap < LEAKED
    if _METRICS.value and "nearest_neighbour" in _METRICS.value and not held_out:
        raise ValueError(
            "The metric 'nearest_neighbour' needs real samples that are not training samples; "
            f"{overlap:.0%} of these are: pass another --split, or --train_dataset, or leave it "
            f"out of --metrics. Received: --metrics={','.join(_METRICS.value)}"
        )
    names = ["frechet_distance", "kernel_distance", "precision_recall", "density_coverage"]
    names += ["sliced_wasserstein"]
    names += ["multi_scale_ssim"] if real.x.ndim == 4 else []
    names += ["mode_coverage"] if _DATASET.value in MIXTURES else []
    names += ["inception_score"] if _EXTRACTOR.value in ("classifier", "inception_2015") else []
    names += ["class_coverage"] if _EXTRACTOR.value == "classifier" else []
    return _METRICS.value or names + (["nearest_neighbour"] if held_out else [])


def build_metric(name, features, classifier, training):
    """Return the metric of a name, on the chosen features."""
    if name == "nearest_neighbour":
        return metrics.NearestNeighbour(training.batches(), features)
    if name == "mode_coverage" and _DATASET.value in MIXTURES:
        mixture = getattr(keras_gan.datasets, _DATASET.value.capitalize())()
        return metrics.ModeCoverage(mixture.centers, mixture.std)
    if name in ("inception_score", "class_coverage"):
        if classifier is None:
            raise ValueError(
                f"The metric {name!r} needs a classifier: pass --extractor=classifier, or one of "
                f"Inception. Received: --extractor={_EXTRACTOR.value}"
            )
        judge = metrics.InceptionScore if name == "inception_score" else metrics.ClassCoverage
        return judge(classifier)
    metric = metrics.get(name)
    if _EXTRACTOR.value != "pixels" and "features" in inspect.signature(type(metric)).parameters:
        return type(metric)(features=features)
    return metric


def config_of(metric):
    """Return a metric's settings; what its features are is in the protocol."""
    config = metric.get_config()
    return {key: v for key, v in config.items() if key not in ("name", "features", "classifier")}


def evaluate(source):
    """Return the report: results, and all it takes to reproduce them."""
    real = load_real()
    check_fit(source, real)
    training, overlap = load_training(real)
    count = count_samples(source, real)
    names = metric_names(real, training, overlap)
    features, classifier = load_extractor(training)
    chosen = [build_metric(name, features, classifier, training) for name in names]
    print(f"Scoring {count:,} generated samples ...", flush=True)
    results = metrics.evaluate(chosen, real.batches(), source.batches(count, real.labels))
    floor = training.first(count) if _FLOOR.value and overlap < LEAKED else None
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "generated": source.describe(count),
        "real": {**real.describe(), "share_in_training": overlap},
        "training": training and training.describe(),
        "floor": floor and floor.describe(),
        "seed": _SEED.value,
        "features": {"name": features.name, "fingerprint": features.fingerprint},
        "protocol": features.protocol,
        "metrics": {metric.name: config_of(metric) for metric in chosen},
        "figures": in_json(results),
        "floor_figures": in_json(floor_of(chosen, floor) if floor else {}),
        "versions": versions(),
    }


def floor_of(chosen, floor):
    """Return the metrics of training samples in place of generated ones."""
    print(f"Scoring {len(floor.x):,} training samples in their place ...", flush=True)
    # A training sample's nearest training sample is itself.
    others = [metric for metric in chosen if metric.name != "nearest_neighbour"]
    return metrics.evaluate(others, None, floor.batches())  # The real side is there already.


def in_json(results):
    """Return results as JSON can hold them: it has no infinity."""
    return {key: v if math.isfinite(v) else str(v) for key, v in results.items()}


def versions():
    """Return the versions of what the results were computed with."""
    libraries = keras_gan, keras, tf, np
    found = {library.__name__: library.__version__ for library in libraries}
    return {**found, "python": platform.python_version()}


def show(report):
    """Print the report as a table."""
    print("\n" + "\n".join(f"{name:<11}{text}" for name, text in head(report)) + "\n")
    print(metrics.table(report["figures"], report["floor_figures"] if report["floor"] else None))


def head(report):
    """Yield the lines above the table, as pairs of a name and a text."""
    made, real, floor = report["generated"], report["real"], report["floor"]
    seeds = "seeds {:,} to {:,}, ".format(*made["seeds"]) if made["seeds"] else ""
    seeds += "labels of real samples, " if made["conditional"] else ""
    yield "generated", f"{made['samples']:,} samples, {seeds}{made['kind']} {made['path']}"
    yield "real", described(real)
    if floor:
        yield "floor", described(floor) + ", in the place of generated ones"
    elif (real["share_in_training"] or 0) >= LEAKED:
        share = f"{real['share_in_training']:.0%} of the real samples are training samples"
        yield "no floor", f"{share}: pass another --split, or --train_dataset"
    extractor, *others = report["protocol"].items()
    protocol = "; ".join([extractor[1], *(f"{key} {value}" for key, value in others)])
    yield "extractor", textwrap.fill(protocol, 88, subsequent_indent=" " * 11)
    yield "versions", ", ".join(f"{name} {version}" for name, version in report["versions"].items())


def described(data):
    """Return a line on real samples."""
    drawn = f" of {data['available']:,}" if data["samples"] < data["available"] else ""
    size = f", resized to {data['image_size']} pixels" if data["image_size"] else ""
    return f"{data['samples']:,}{drawn} samples, {data['dataset']} split {data['split']}{size}"


def json_path():
    """Return the file to write, beside the model by default."""
    model = pathlib.Path(_MODEL.value)
    stem = model.stem if model.is_file() else model.resolve().name
    path = pathlib.Path(_JSON.value or model.parent / f"{stem}.scores.json")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"Expected a directory that can be written to. Received: --json={path}")
    return path


def main(_):
    if logging.get_verbosity() == logging.INFO:  # The default, at which tfds tells of each file.
        logging.set_verbosity(logging.WARNING)
    try:
        source = open_source(pathlib.Path(_MODEL.value))
        path = json_path()  # Before the work: it may be a place that can't be written to.
        report = evaluate(source)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        logging.debug("Where it was raised:", exc_info=True)  # Shown with --verbosity=1.
        sys.exit(f"error: {error}")
    path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
    show(report)
    print(f"\nWritten to {path}")


if __name__ == "__main__":
    app.run(main)
