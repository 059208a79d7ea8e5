"""WAV files within a graph: waveforms in 16 bits, with chunks that mark them."""

import tensorflow as tf

# Bytes from the size, which the second field says, to the first sample.
_HEADER = 36
_BYTES = [bytes([code]) for code in range(256)]


def encoded(waveforms, sampling_rate, mark):
    """Return WAV files of 16 bits, as strings.

    Args:
        waveforms: float32 tensor of shape `(batch, steps, channels)` in [-1, 1]; what is outside is
            clipped.
        sampling_rate: in Hz.
        mark: bytes of RIFF chunks, which go behind the samples.

    Returns:
        String tensor of shape `(batch,)`.
    """
    files = tf.map_fn(
        lambda sound: tf.audio.encode_wav(sound, sampling_rate),
        tf.clip_by_value(waveforms, -1.0, 1.0),
        fn_output_signature=tf.string,
    )
    samples = tf.size(waveforms[:1])
    size = _four_bytes(_HEADER + 2 * samples + len(mark))
    rest = tf.strings.substr(files, 8, tf.int32.max)
    return tf.strings.join(["RIFF", size, rest, mark])


def _four_bytes(number):
    """Return a number as four bytes, the lowest first."""
    codes = tf.bitwise.bitwise_and(tf.bitwise.right_shift(number, [0, 8, 16, 24]), 255)
    return tf.strings.reduce_join(tf.gather(_BYTES, codes))
