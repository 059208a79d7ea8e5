"""Cost of a grouped convolution: Keras's layer, ours, TensorFlow's function, and all channels.

    python benchmarks/grouped_conv.py                 # R3GAN's at 16 pixels, width 64
    python benchmarks/grouped_conv.py --bf16          # the same in bfloat16
    python benchmarks/grouped_conv.py --groups=128 --kernel_size=4    # a depthwise one

Three figures of each: the forward alone; the gradient with respect to images and kernel; and the
gradient of that gradient's length, which a gradient penalty takes. All are graphs of TensorFlow
without `jit_compile`. Keras compiles its grouped convolution with XLA by itself. Each runs in turns
with ours, and the ratio is taken pair by pair.
"""

import statistics

import keras
import pairs
import tensorflow as tf
from absl import app, flags

from keras_gan.layers import GroupedConv2D

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Pairs of runs.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images in a batch.", lower_bound=1)
_SIDE = flags.DEFINE_integer("side", 16, "Pixels a side.", lower_bound=1)
_CHANNELS = flags.DEFINE_integer("channels", 128, "Of input and output.", lower_bound=1)
_GROUPS = flags.DEFINE_integer("groups", 16, "Groups of channels.", lower_bound=1)
_KERNEL_SIZE = flags.DEFINE_integer("kernel_size", 3, "Side of the kernel.", lower_bound=1)
_BF16 = flags.DEFINE_bool("bf16", False, "Compute in mixed_bfloat16.")


def ours(kind=GroupedConv2D, groups=None):
    """Return a layer, and its kernel."""
    groups = groups or _GROUPS.value
    layer = kind(_CHANNELS.value, _KERNEL_SIZE.value, padding="same", groups=groups, use_bias=False)
    layer.build((None, None, None, _CHANNELS.value))
    return layer, layer.kernel.value


def kerases():
    return ours(keras.layers.Conv2D)


def tensorflows():
    """Return the function, and its kernel."""
    layer, kernel = ours()

    def convolution(x):
        dtype = layer.compute_dtype
        return tf.nn.conv2d(tf.cast(x, dtype), tf.cast(kernel, dtype), 1, "SAME")

    return convolution, kernel


def whole():
    return ours(groups=1)


def passes(make):
    """Return the three functions of images that are timed, by name."""
    convolution, kernel = make()

    def value(x):
        return tf.reduce_sum(tf.sin(tf.cast(convolution(x), tf.float32)))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = value(x)
        return tape.gradient(loss, [x, kernel])

    def second_order(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = value(x)
            length = tf.reduce_sum(tf.square(inner.gradient(loss, x)))
        return outer.gradient(length, kernel)

    return {each.__name__: tf.function(each) for each in (value, gradient, second_order)}


def main(_):
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
    side = _SIDE.value
    x = tf.random.stateless_normal((_BATCH_SIZE.value, side, side, _CHANNELS.value), (0, 0))
    mine = passes(ours)
    others = {
        "keras.layers.Conv2D": kerases,
        "tf.nn.conv2d": tensorflows,
        "all channels": whole,
    }
    print(f"{'ms':<22} {'pass':<14} {'its':>9} {'ours':>9} {'ratio':>8}  of pairs")
    for name, make in others.items():
        theirs = passes(make)
        for kind, function in theirs.items():
            pair = function, mine[kind]
            for each in pair:  # Tracing, and XLA's compilation.
                each(x)
            times = list(pairs.alternating(pair, _ROUNDS.value, x))
            ratios = sorted(one / other for one, other in times)
            one, other = (1000 * statistics.median(side) for side in zip(*times, strict=True))
            print(
                f"{name:<22} {kind:<14} {one:>9.1f} {other:>9.1f} {statistics.median(ratios):>8.2f}"
                f"  {ratios[0]:.2f} to {ratios[-1]:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
