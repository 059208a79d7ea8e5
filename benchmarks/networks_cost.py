"""What networks cost at 32 pixels: weights, multiplications, training speed and memory.

    python benchmarks/networks_cost.py                     # the forms for CPUs
    python benchmarks/networks_cost.py --forms=published   # weights and multiplications alone

Each form is trained by `GAN.fit`, callbacks off, in batches of 64 of random images, in a process of
its own: first `--steps` steps for warming up, then `--rounds` times as many, of which the median
counts. Multiplications are those of one image on its way forward, as TensorFlow's profiler counts
floating-point operations, two to a multiplication.
"""

import json
import statistics
import subprocess
import sys

import keras
import memory
import numpy as np
import pairs
import tensorflow as tf
from absl import app, flags

import keras_gan
from keras_gan import networks, recipes

_FORMS = flags.DEFINE_enum("forms", "cpu", ["cpu", "published"], "Which forms.")
_STEPS = flags.DEFINE_integer("steps", 20, "Training steps in one run.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Runs that are timed.", lower_bound=1)
_ONLY = flags.DEFINE_string("only", None, "One form alone.")
_MEASURE = flags.DEFINE_string("measure", None, "Internal: measure this one in this process.")

SHAPE, BATCH = (32, 32, 3), 64


def _lazy():
    return recipes.stylegan2(32, BATCH, gamma=0.1)


# Name: networks, and what `compile` is given.
FORMS = {
    "cpu": {
        "dcgan, width 32": (lambda: networks.dcgan(SHAPE), lambda: {"terms": ["r1"]}),
        "sngan, width 32": (lambda: networks.sngan(SHAPE), recipes.sagan),
        "sngan, width 64": (lambda: networks.sngan(SHAPE, width=64), recipes.sagan),
        "sagan, width 32": (lambda: networks.sagan(SHAPE), recipes.sagan),
        "biggan, width 16": (lambda: networks.biggan(SHAPE), recipes.sagan),
        "stylegan2": (lambda: networks.stylegan2(SHAPE), _lazy),
        "r3gan": (lambda: networks.r3gan(SHAPE), recipes.r3gan),
    },
    "published": {
        "sngan": (lambda: networks.sngan(SHAPE, width=256, discriminator_width=128), None),
        "biggan": (
            lambda: networks.biggan(SHAPE, 80, 96, num_classes=10, attention=16),
            None,
        ),
        "stylegan2": (
            lambda: networks.stylegan2(
                SHAPE, 512, channel_base=32768, max_channels=512, residual=False
            ),
            None,
        ),
        "r3gan": (lambda: networks.r3gan(SHAPE, widths=(768,) * 4, blocks=2), None),
    },
}


def multiplications(network):
    """Return the millions of multiplications of one image on its way forward."""
    specs = tf.nest.map_structure(
        lambda x: tf.TensorSpec((1, *x.shape[1:]), x.dtype), network.inputs
    )
    inputs = specs if len(specs) > 1 else specs[0]
    graph = tf.function(lambda x: network(x)).get_concrete_function(inputs).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    found = tf.compat.v1.profiler.profile(graph, options=options)
    return found.total_float_ops / 2e6


def measure(name):
    """Return what a form costs, measured in this process."""
    build, arguments = FORMS[_FORMS.value][name]
    keras.utils.set_random_seed(0)
    pair = build()
    costs = {
        "weights": [sum(int(np.prod(w.shape)) for w in each.trainable_weights) for each in pair],
        "millions": [multiplications(each) for each in pair],
    }
    if arguments is None:
        return costs
    model = keras_gan.GAN(*pair, seed=0)
    model.compile(**arguments())
    dataset = pairs.images(_STEPS.value, BATCH, *SHAPE)
    model.fit(dataset, verbose=0)
    times = [pairs.seconds(lambda: model.fit(dataset, verbose=0)) for _ in range(_ROUNDS.value)]
    speed = BATCH * _STEPS.value / statistics.median(times)
    return {**costs, "speed": speed, "memory": memory.peak()}


def main(_):
    if _MEASURE.value:
        print(json.dumps(measure(_MEASURE.value)))
        return
    names = list(FORMS[_FORMS.value])
    if _ONLY.value not in (None, *names):
        raise app.UsageError(f"No such form: {_ONLY.value}. There are {names}.")
    print("| network | weights, G; D | million multiplications, G; D | images/s | peak MiB |")
    print("|---|---|---|---|---|", flush=True)
    for name in [_ONLY.value] if _ONLY.value else names:
        own = [argument for argument in sys.argv if not argument.startswith("--only")]
        done = subprocess.run(
            [sys.executable, *own, f"--measure={name}"], check=True, capture_output=True, text=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        weights = "; ".join(f"{each:,}" for each in found["weights"])
        millions = "; ".join(f"{each:,.1f}" for each in found["millions"])
        rest = f"{found['speed']:,.0f} | {found['memory']:,.0f}" if "speed" in found else "- | -"
        print(f"| {name} | {weights} | {millions} | {rest} |", flush=True)


if __name__ == "__main__":
    app.run(main)
