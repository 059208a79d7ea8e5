r"""Check an export as a model server would load it, and compare its answers with Python's.

    python examples/check_export.py saved_models/digits      # the newest version
    python examples/check_export.py saved_models/digits/1

The version is loaded by TensorFlow's C API, which TensorFlow Serving is built on, in a process that
imports neither Keras nor keras_gan nor TensorFlow's Python. Every signature is asked, the warm-up
requests are replayed, PNGs are read, and what must be refused is sent. Then a process of its own
asks Python's `tf.saved_model.load` the same. Exits with 0 if all is well, else with 1.
"""

import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from absl import app, flags
from c_api import PROTOS, RequestError, Session, array_of
from PIL import Image

_PYTHON = flags.DEFINE_bool("python", True, "Compare with Python's answers.")
_ANSWERS = flags.DEFINE_string("answers", None, "Internal: requests and answers to compare with.")


def version_directory(path):
    """Return a version's directory: the newest of a base directory's, or the path itself."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"Expected the directory of an export. Received: {path}")
    versions = [entry for entry in path.iterdir() if entry.name.isdecimal()]
    if versions and not (path / "saved_model.pb").exists():
        return max(versions, key=lambda entry: int(entry.name))
    return path


def request(session, name, rows):
    """Return inputs for a signature that it should answer, the same in every run."""
    rng = np.random.default_rng(0)
    inputs = {}
    for key, (_, dtype, shape) in session.signatures[name].inputs.items():
        shape = (rows, *(64 if side is None else side for side in shape[1:]))
        if key == "position":
            inputs[key] = np.linspace(0, 1, rows, dtype="float32")
        elif key == "truncation":
            inputs[key] = np.resize([np.inf, 1.0, 0.5], rows).astype("float32")
        elif dtype.startswith("float"):
            inputs[key] = rng.normal(size=shape).clip(-1, 1).astype(dtype)
        elif key.startswith("seed"):
            inputs[key] = np.arange(rows) + 100 * (key == "seed_b")
        else:  # The label 0 is always there.
            inputs[key] = np.full(shape, "" if dtype == "object" else 0, dtype)
    return inputs


def check_answers(session, name, rows=3):
    """Return a request and its answers, each row of which is the row's own, whatever the batch."""
    inputs = request(session, name, rows)
    answers = session.run(name, inputs)
    for row in range(rows):
        alone = session.run(name, {key: array[row : row + 1] for key, array in inputs.items()})
        for key, array in answers.items():
            apart = difference(alone[key], array[row : row + 1])
            assert apart <= tolerance(key, array), f"{key} of row {row} moves by {apart} in a batch"
    return inputs, answers


def tolerance(name, array):
    """Return how far arrays may be apart: latents not at all, pixels by 1, floats by rounding."""
    return (
        0 if name == "latents" or array.dtype == object else 1 if array.dtype == np.uint8 else 1e-5
    )


def difference(one, other):
    """Return how far arrays are apart at most; PNGs with pixels 1 apart are as good as equal."""
    assert one.shape == other.shape, f"shapes {one.shape} and {other.shape}"
    if one.dtype == object:
        return max(difference(pixels_of(one), pixels_of(other)) - 1, 0)
    apart = np.abs(one.astype("float64") - other.astype("float64"))
    return float(apart.max(initial=0))


def pixels_of(files):
    """Return the pixels of PNGs of one size."""
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])


def check_png(file):
    """Return size and text of a PNG, every chunk's checksum verified."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n", f"no PNG: {file[:8]}"
    at = 8
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        body, end = file[at + 4 : at + 8 + length], at + 12 + length
        assert zlib.crc32(body) == struct.unpack(">I", file[end - 4 : end])[0], body[:4]
        at = end
    image = Image.open(io.BytesIO(file))
    image.load()
    assert "ynthetic" in image.text.get("Comment", ""), "a PNG does not say that it is synthetic"
    return image.size, image.text["Comment"]


def check_limits(session, name, largest):
    """Return how many bad requests were refused, each followed by a good one."""
    good = request(session, name, 2)
    before = session.run(name, good)
    bad = {
        "a batch too large": {key: np.repeat(a[:1], largest + 1, 0) for key, a in good.items()},
        "an empty batch": {key: array[:0] for key, array in good.items()},
        "no inputs": {},
        "an unknown input": {**good, "unknown": np.zeros(2)},
    }
    for key, array in good.items():
        wrong = np.full(array.shape, np.nan if array.dtype.kind == "f" else -1)
        if array.dtype.kind == "f":
            bad[f"{key} not a number"] = {**good, key: wrong.astype(array.dtype)}
        bad[f"{key} of another type"] = {**good, key: array.astype("float64")}
    for what, inputs in bad.items():
        try:
            session.run(name, inputs)
        except RequestError as error:
            assert error.code == "INVALID_ARGUMENT", f"{what}: {error}"
        else:
            raise AssertionError(f"{what} was answered")
        again = session.run(name, good)
        for key, array in again.items():
            assert difference(array, before[key]) == 0, f"{key} moved after {what}"
    return len(bad)


def crc32c(data):
    """Return the checksum of a record, masked as TFRecord has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """Yield the records of a TFRecord file, checksums verified."""
    with open(path, "rb") as file:
        while head := file.read(12):
            length, check = struct.unpack("<QI", head)
            assert crc32c(head[:8]) == check, f"{path}: a length's checksum is wrong"
            data = file.read(length)
            (check,) = struct.unpack("<I", file.read(4))
            assert crc32c(data) == check, f"{path}: a record's checksum is wrong"
            yield data


def replay(session, directory):
    """Return how many warm-up requests were answered; there may be none."""
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    count = 0
    for record in records(path) if path.exists() else ():
        asked = PROTOS["Log"].FromString(record).predict.request
        inputs = {entry.key: array_of(entry.value) for entry in asked.inputs}
        session.run(asked.model.signature, inputs)
        count += 1
    return count


def served(directory):
    """Check a version through the C API; return requests and answers by signature."""
    card = directory / "model_card.json"
    limits = json.loads(card.read_text())["export"] if card.exists() else {}
    found = {}
    with Session(directory) as session:
        print(f"{directory}: loaded by TensorFlow's C API")
        for name, signature in session.signatures.items():
            found[name] = check_answers(session, name)
            line = f"  {name}({', '.join(signature.inputs)}) -> {', '.join(signature.outputs)}: ok"
            if limits.get("max_batch_size"):
                line += f", {check_limits(session, name, limits['max_batch_size'])} bad refused"
            print(line, flush=True)
            for png in found[name][1].get("image_bytes", [])[:1]:
                size, text = check_png(png)
                print(f"    PNGs of {size[0]} x {size[1]}, each says: {text}")
        print(f"  warm-up: {replay(session, directory)} requests replayed")
    present = [name for name in ("tensorflow", "keras", "keras_gan") if name in sys.modules]
    assert not present, f"the process has imported {present}"
    print("  this process has imported neither tensorflow nor keras nor keras_gan")
    return found


def compare(directory, answers):
    """Ask Python the same, and print how far its answers are from those in a file."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(directory))
    stored = dict(np.load(answers))
    for name, signature in loaded.signatures.items():
        keys = signature.structured_input_signature[1]
        inputs = {key: tf.constant(stored[f"{name} in {key}"]) for key in keys}
        apart = {}
        for key, tensor in signature(**inputs).items():
            array = tensor.numpy()
            other = stored[f"{name} out {key}"].astype(array.dtype)
            apart[key] = difference(array, other)
            assert apart[key] <= tolerance(key, array), f"{name}: {key} is {apart[key]} apart"
        print(f"  {name}: {', '.join(f'{key} {value:.2g}' for key, value in apart.items())} apart")


def ask_python(directory, found):
    """Compare with Python's answers in a process of its own.

    Raises:
        AssertionError: where they differ.
    """
    print("Beside Python's tf.saved_model.load:", flush=True)
    arrays = {}
    for name, (inputs, outputs) in found.items():
        for side, part in (("in", inputs), ("out", outputs)):
            for key, array in part.items():
                # No objects, which a file could hold only as pickles.
                kept = array.astype(bytes) if array.dtype == object else array
                arrays[f"{name} {side} {key}"] = kept
    with tempfile.TemporaryDirectory() as temporary:
        path = f"{temporary}/answers.npz"
        np.savez(path, **arrays)
        command = [sys.executable, __file__, str(directory), f"--answers={path}"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1:]
    assert not done.returncode, f"Python's answers differ: {' '.join(last)}"


def main(arguments):
    if len(arguments) != 2:
        raise app.UsageError("Expected one argument: the directory of an export.")
    try:
        directory = version_directory(arguments[1])
        if _ANSWERS.value:
            compare(directory, _ANSWERS.value)
            return
        found = served(directory)
        if _PYTHON.value:
            ask_python(directory, found)
    except (AssertionError, OSError, RequestError, ValueError, RuntimeError) as error:
        print(f"FAILED: {arguments[1]}: {error}", file=sys.stderr)
        sys.exit(1)
    print("All is well.")


if __name__ == "__main__":
    app.run(main)
