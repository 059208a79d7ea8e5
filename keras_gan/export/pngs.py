"""PNG files within a graph: what their headers say, and the pixels of those that are safe."""

import tensorflow as tf

# The file's signature, then the length and the name of its first chunk.
_BEGINNING = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
# Their height and width follow; a decoder looks at no more before it makes room for the pixels.
_HEADER = len(_BEGINNING) + 8
# Compressed texts, which a decoder unpacks to a thousand times their size. No pixel needs them.
_TEXTS = ("zTXt", "iTXt")
# Chunks that are looked at, of a file of some bytes: what encoders write is larger.
_CHUNKS, _BYTES_OF_CHUNK = 64, 256


def headers(files):
    """Return what the headers of files say, before anything is decoded.

    Args:
        files: string tensor of shape `(batch,)`.

    Returns:
        Whether each begins as a PNG does, a boolean tensor of shape `(batch,)`, and the heights and
        widths, an int64 tensor of shape `(batch, 2)`.
    """
    # Files that are shorter than a header end in zeros here, which are no PNG's.
    starts = tf.strings.substr(files, 0, _HEADER)
    starts = tf.strings.substr(tf.strings.join([starts, "\0" * _HEADER]), 0, _HEADER)
    codes = tf.reshape(tf.io.decode_raw(starts, tf.uint8), (-1, _HEADER))
    right = tf.reduce_all(codes[:, : len(_BEGINNING)] == list(_BEGINNING), axis=1)
    width, height = (_number(codes[:, at : at + 4]) for at in (16, 20))
    return right, tf.stack([height, width], axis=1)


def decoded(files, channels):
    """Return the pixels of files of one size, uint8 of shape `(batch, height, width, channels)`.

    Colors are made grey, opacity is left out or added, 16 bits become 8 and palettes colors, as
    `tf.io.decode_png` does. A damaged file ends in an `INVALID_ARGUMENT`.

    Args:
        files: string tensor of shape `(batch,)`.
        channels: 1, 3 or 4.
    """
    shape = tf.TensorSpec((None, None, channels), tf.uint8)
    return tf.map_fn(
        lambda file: tf.io.decode_png(_without_texts(file), channels),
        files,
        fn_output_signature=shape,
    )


def _without_texts(file):
    """Return a file without those chunks that unpack to any size, whoever wrote them."""
    size = tf.strings.length(file)
    most = _CHUNKS + size // _BYTES_OF_CHUNK
    size = tf.cast(size, tf.int64)

    def more(start, count, places):
        del places
        # Length, name and checksum: no chunk has less.
        return (start + 12 <= size) & (count < most)

    def look(start, count, places):
        length, name = (tf.strings.substr(file, start + at, 4) for at in (0, 4))
        end = tf.minimum(start + 12 + _number(tf.io.decode_raw(length, tf.uint8)), size)
        is_text = tf.reduce_any(name == _TEXTS)
        kept = tf.where(is_text, tf.zeros_like(end), end - start)
        return end, count + 1, places.write(count, tf.stack([start, kept]))

    places = tf.TensorArray(tf.int64, 1, dynamic_size=True, element_shape=(2,))
    # The signature's 8 bytes come before the first chunk.
    first = tf.constant(8, tf.int64), 1, places.write(0, tf.constant([0, 8], tf.int64))
    places = tf.while_loop(more, look, first)[-1].stack()
    return tf.strings.reduce_join(tf.strings.substr(file, places[:, 0], places[:, 1]))


def _number(codes):
    """Return the numbers that bytes on the last axis make, the highest first, as int64."""
    return tf.reduce_sum(tf.cast(codes, tf.int64) * [2**24, 2**16, 2**8, 1], axis=-1)
