"""A model of what replicas exchange in a step, and of how far it lets them scale.

    python benchmarks/communication.py
    python benchmarks/communication.py --step_ms=40 --bandwidth=12.5 --latency=20

Bytes follow from the networks: the discriminator's gradients at each of its updates; the
generator's with all moving statistics and figures. A ring all-reduce of S bytes over n devices
takes 2 (n - 1) / n * S / bandwidth + 2 (n - 1) * latency. Nothing overlaps in the model: a player's
update waits for all of its gradients, and the next step for that.
"""

import keras
from absl import app, flags

import keras_gan

_STEP_MS = flags.DEFINE_float("step_ms", 100.0, "What a step takes on one device, ms.")
_BANDWIDTH = flags.DEFINE_float("bandwidth", 1.25, "Of a link, GB/s; 1.25 is 10 Gbit/s.")
_LATENCY = flags.DEFINE_float("latency", 50.0, "Of a message, microseconds.")
_STEPS = flags.DEFINE_integer("discriminator_steps", 1, "Discriminator updates in a step.")

NETWORKS = {
    "mlp, 2-D": lambda: keras_gan.networks.mlp((2,), latent_dim=64),
    "dcgan, 28 px, width 32": lambda: keras_gan.networks.dcgan((28, 28, 1), 64, width=32),
    "dcgan, 28 px, width 64": lambda: keras_gan.networks.dcgan((28, 28, 1), 64, width=64),
    "dcgan, 64 px, width 64": lambda: keras_gan.networks.dcgan((64, 64, 3), 128, width=64),
    "dcgan, 128 px, width 64": lambda: keras_gan.networks.dcgan((128, 128, 3), 128, width=64),
}
DEVICES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
# A mean and its weight, four bytes each: four of a discriminator's update, one of a generator's.
FIGURE = 2 * 4


def floats(variables):
    """Return the bytes of the float variables among some."""
    return sum(4 * int(v.value.shape.num_elements()) for v in variables if "float" in v.dtype)


def exchanges(generator, discriminator, discriminator_steps):
    """Return the bytes of each exchange of a step."""
    buffers = floats(generator.non_trainable_variables + discriminator.non_trainable_variables)
    figures = FIGURE * (4 * discriminator_steps + 1)
    last = floats(generator.trainable_variables) + buffers + figures
    return [floats(discriminator.trainable_variables)] * discriminator_steps + [last]


def ring_seconds(size, devices):
    """Return the seconds that a ring all-reduce of some bytes takes."""
    moved = 2 * (devices - 1) / devices * size / (1e9 * _BANDWIDTH.value)
    return moved + 2 * (devices - 1) * 1e-6 * _LATENCY.value


def efficiency(sizes, devices):
    """Return images per second of each device, as a fraction of one alone."""
    step = 1e-3 * _STEP_MS.value
    return step / (step + sum(ring_seconds(size, devices) for size in sizes))


def main(_):
    print(
        f"A step of {_STEP_MS.value:g} ms on one device, links of {_BANDWIDTH.value:g} GB/s and "
        f"{_LATENCY.value:g} microseconds:\n"
    )
    print(f"{'':<26}{'MB a step':>10}" + "".join(f"{count:>6}" for count in DEVICES))
    for name, make in NETWORKS.items():
        keras.utils.clear_session(free_memory=False)
        sizes = exchanges(*make(), _STEPS.value)
        cells = "".join(f"{efficiency(sizes, devices):6.2f}" for devices in DEVICES)
        print(f"{name:<26}{sum(sizes) / 1e6:10.2f}{cells}")


if __name__ == "__main__":
    app.run(main)
