r"""Check an export as a model server would load it, and compare its answers with Python's.

    python tests/serving/check_export.py saved_models/digits      # the newest version
    python tests/serving/check_export.py saved_models/digits/1

First the version's files are compared with the list that it was written with. Then it is loaded by
TensorFlow's C API, which TensorFlow Serving is built on, in a process that imports neither Keras
nor keras_gan nor TensorFlow's Python. Every signature is asked, the warm-up requests are replayed,
PNGs are read, and what must be refused is sent: wrong names as a server finds them, all else
straight to the graph. Then a process of its own asks Python's `tf.saved_model.load` the same. Exits
with 0 if all is well, else with 1.
"""

import importlib.util
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
from google.protobuf.message import DecodeError
from PIL import Image

# By its path: an import of keras_gan would bring TensorFlow's Python along.
_FILE = pathlib.Path(__file__).parents[2] / "keras_gan" / "export" / "digests.py"
_SPEC = importlib.util.spec_from_file_location("digests", _FILE)
digests = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(digests)

_PYTHON = flags.DEFINE_bool("python", True, "Compare with Python's answers.")
_ANSWERS = flags.DEFINE_string("answers", None, "Internal: requests and answers to compare with.")


def require(right, message):
    """Raise unless all is right; unlike `assert`, under `python -O` too."""
    if not right:
        raise AssertionError(message)


def version_directory(path):
    """Return a version's directory: the newest of a base directory's, or the path itself."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"Expected the directory of an export. Received: {path}")
    versions = [entry for entry in path.iterdir() if entry.name.isdecimal() and entry.is_dir()]
    if versions and not (path / "saved_model.pb").exists():
        path = max(versions, key=lambda entry: int(entry.name))
    if not (path / "saved_model.pb").exists():
        raise FileNotFoundError(
            "Expected saved_model.pb, or directories of versions: export the model, or copy the "
            f"whole of a version's directory. Received: {path}, without it"
        )
    return path


def load(directory, **options):
    """Return a session of a version.

    Raises:
        ValueError: when TensorFlow can't load it.
    """
    try:
        return Session(directory, **options)
    except RequestError as error:
        raise ValueError(
            "Expected a whole SavedModel, and a file of it is missing or torn: export or copy it "
            f"again. Received: {error}"
        ) from error


def largest_batch(directory):
    """Return how many rows the card allows a request; `None` if there is no card.

    Raises:
        ValueError: when the card does not say.
    """
    path = directory / "model_card.json"
    if not path.exists():
        return None
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["export"]["max_batch_size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"Expected {path} to be JSON that says export.max_batch_size: export the model again. "
            f"Received: {type(error).__name__}: {error}"
        ) from error


def request(session, name, rows):
    """Return inputs for a signature that it should answer, the same in every run."""
    rng = np.random.default_rng(0)
    inputs = {}
    for key, (_, dtype, shape) in session.signatures[name].inputs.items():
        pixels = pixels_in(session, name, key)
        shape = (rows, *(64 if side is None else side for side in (pixels or shape)[1:]))
        if key == "position":
            inputs[key] = np.linspace(0, 1, rows, dtype="float32")
        elif key == "truncation":
            inputs[key] = np.resize([np.inf, 1.0, 0.5], rows).astype("float32")
        elif dtype == "uint8" or pixels:  # A mask has no others.
            levels = rng.choice(np.array([0, 255], "uint8"), shape)
            inputs[key] = pngs_of(levels) if pixels else levels
        elif dtype.startswith("float"):
            inputs[key] = rng.normal(size=shape).clip(-1, 1).astype(dtype)
        elif key.startswith("seed"):
            inputs[key] = np.arange(rows) + 100 * (key == "seed_b")
        else:  # The label 0 is always there.
            inputs[key] = np.full(shape, "" if dtype == "object" else 0, dtype)
    return inputs


def pixels_in(session, name, key):
    """Return the shape of what an input's PNG files hold, `None` for an input that takes none.

    The signature beside it, whose name lacks the `_png`, takes the same as arrays.
    """
    beside = session.signatures.get(name.removesuffix("_png"))
    taken = session.signatures[name].inputs[key]
    slot = beside.inputs.get(key) if beside and taken.dtype == "object" else None
    return slot.shape if slot and slot.dtype == "uint8" else None


def pngs_of(images):
    """Return PNG files of images, an array of bytes."""
    files = [io.BytesIO() for _ in images]
    for image, file in zip(images, files, strict=True):
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "png")
    return np.array([file.getvalue() for file in files], object)


def check_answers(session, name, rows=3):
    """Return a request and its answers, each row of which is the row's own, whatever the batch."""
    inputs = request(session, name, rows)
    answers = session.run(name, inputs)
    for row in range(rows):
        alone = session.run(name, {key: array[row : row + 1] for key, array in inputs.items()})
        for key, array in answers.items():
            apart = difference(alone[key], array[row : row + 1])
            require(
                apart <= tolerance(key, array), f"{key} of row {row} moves by {apart} in a batch"
            )
    return inputs, answers


def tolerance(name, array):
    """Return how far arrays may be apart: latents not at all, pixels by 1, floats by rounding."""
    return 0 if name == "latents" else 1 if array.dtype in (np.uint8, object) else 1e-5


def difference(one, other):
    """Return how far arrays are apart at most; PNGs as far as their pixels."""
    require(one.shape == other.shape, f"shapes {one.shape} and {other.shape}")
    if one.dtype == object:
        return difference(pixels_of(one), pixels_of(other))
    apart = np.abs(one.astype("float64") - other.astype("float64"))
    return float(apart.max(initial=0))


def pixels_of(files):
    """Return the pixels of PNGs of one size."""
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])


def check_png(file):
    """Return size and texts of a PNG, every chunk's checksum verified."""
    require(file[:8] == b"\x89PNG\r\n\x1a\n", f"no PNG: {file[:8]}")
    at = 8
    while at < len(file):
        end = at + 12 + int.from_bytes(file[at : at + 4], "big")
        require(end <= len(file), "a PNG is cut off")
        crc = int.from_bytes(file[end - 4 : end], "big")
        kind = file[at + 4 : at + 8]
        require(zlib.crc32(file[at + 4 : end - 4]) == crc, f"a PNG's {kind} has another checksum")
        at = end
    image = Image.open(io.BytesIO(file))
    image.load()
    says = image.text.get("Comment", "")
    require("ynthetic" in says, f"a PNG does not say that it is synthetic: {image.text}")
    return image.size, image.text


def describe_pngs(files):
    """Return what PNGs have in common, each of them verified."""
    found = [check_png(file) for file in files]
    size, texts = found[0]
    require(all(each == found[0] for each in found), "PNGs differ in size or in what they say")
    chunks = ", ".join(texts)
    return f"{len(found)} PNGs of {size[0]} x {size[1]}, each says: {texts['Comment']} ({chunks})"


def wrong_shapes(slot, array):
    """Yield an input of other ranks, and of one more or less where a side's length is fixed."""
    yield array[0, ...]  # Of objects too it is an array.
    yield array[..., None]
    yield array[None]
    for axis, side in enumerate(slot.shape):
        if side is not None:
            yield np.delete(array, 0, axis) if side > 1 else np.repeat(array, 2, axis)


def bad_requests(signature, good, largest):
    """Yield what is wrong and inputs for those that the graph itself must refuse."""
    yield "a batch too large", {key: np.repeat(a[:1], largest + 1, 0) for key, a in good.items()}
    yield "an empty batch", {key: array[:0] for key, array in good.items()}
    for key, array in good.items():
        if array.dtype.kind == "f":
            yield f"{key} not a number", {**good, key: np.full_like(array, np.nan)}
        if isinstance(array.flat[0], bytes):
            for what, file in bad_pngs(array[0]):
                yield f"{key} {what}", {**good, key: np.array([*array[:-1], file], object)}
        other = "float32" if array.dtype == "float64" else "float64"
        yield f"{key} of another type", {**good, key: np.zeros(array.shape, other)}
        # No server looks at shapes, and a kernel that meets a wrong one may end the process.
        for wrong in wrong_shapes(signature.inputs[key], array):
            yield f"{key} of shape {wrong.shape}", {**good, key: wrong}


def bad_pngs(file):
    """Yield what is wrong and files of that kind, made of one that is not."""
    yield "no PNG", b"GIF89a" + file[6:]
    yield "cut off", file[: len(file) // 2]
    yield "with a wrong checksum", file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]
    # What a header says is made room for: that is to be refused before.
    yield "of a billion pixels", file[:16] + struct.pack(">II", 2**15, 2**15) + file[24:]


def check_limits(session, bare, name, largest):
    """Return how many bad requests were refused, each followed by a good one.

    Args:
        session: what looks at names first, as a server does.
        bare: a session of the same version that looks at nothing.
        name: the signature's.
        largest: rows of a request at most.
    """
    good = request(session, name, 2)
    before = session.run(name, good)
    signature = session.signatures[name]
    bad = [(bare, *asked) for asked in bad_requests(signature, good, largest)]
    bad += [
        (session, "no inputs", {}),
        (session, "an unknown input", {**good, "unknown": np.zeros(2)}),
    ]
    for asked, what, inputs in bad:
        check_refusal(asked, name, what, inputs)
        for key, array in asked.run(name, good).items():
            require(difference(array, before[key]) == 0, f"{key} moved after {what}")
    return len(bad)


def check_refusal(session, name, what, inputs):
    """Raise unless a request is refused as one that is wrong."""
    try:
        session.run(name, inputs)
    except RequestError as error:
        require(error.code == "INVALID_ARGUMENT", f"{what}: {error}")
    else:
        raise AssertionError(f"{what} was answered")


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
    content, at = path.read_bytes(), 0
    while at < len(content):
        head = content[at : at + 12]
        require(len(head) == 12, f"{path} is cut off: export or copy it again")
        length, check = struct.unpack("<QI", head)
        require(crc32c(head[:8]) == check, f"{path}: a length's checksum is wrong")
        body = content[at + 12 : at + 16 + length]
        require(len(body) == length + 4, f"{path} is cut off: export or copy it again")
        check = int.from_bytes(body[length:], "little")
        require(crc32c(body[:length]) == check, f"{path}: a record's checksum is wrong")
        yield body[:length]
        at += 16 + length


def replay(session, directory):
    """Return how many warm-up requests were answered; there may be none."""
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    count = 0
    for record in records(path) if path.exists() else ():
        try:
            asked = PROTOS["Log"].FromString(record).predict.request
        except DecodeError as error:
            raise ValueError(f"Expected PredictionLogs in {path}. Received: {error}") from error
        inputs = {entry.key: array_of(entry.value) for entry in asked.inputs}
        # A server takes the same one where none is named.
        session.run(asked.model.signature or "serving_default", inputs)
        count += 1
    return count


def served(directory):
    """Check a version through the C API; return requests and answers by signature."""
    whole = digests.verify(directory)
    print(f"{directory}: {'all files are as they were written' if whole else 'files not compared'}")
    largest = largest_batch(directory)
    found, failed = {}, []
    with load(directory) as session, load(directory, checked=False) as bare:
        print(f"{directory}: loaded by TensorFlow's C API")
        for name, signature in session.signatures.items():
            line = f"  {name}({', '.join(signature.inputs)}) -> {', '.join(signature.outputs)}: "
            try:
                found[name], more = check_signature(session, bare, name, largest)
                print(line + more, flush=True)
            except (AssertionError, RequestError, OSError) as error:
                print(f"{line}{error}", flush=True)
                failed.append(f"{name}: {error}")
        if largest is None:
            print("  limits: not checked, as no model_card.json says what they are")
        require(not failed, "; ".join(failed))
        print(f"  warm-up: {replay(session, directory)} requests replayed")
    names = ("tensorflow", "keras", "keras_gan", "tensorflow_serving")
    present = [name for name in names if name in sys.modules]
    require(not present, f"the process has imported {present}")
    print("  this process has imported neither tensorflow nor keras nor keras_gan")
    return found


def check_signature(session, bare, name, largest):
    """Return a request with its answers, and what to print of the signature."""
    asked, answers = check_answers(session, name)
    lines = ["ok"]
    if largest is not None:
        lines[0] += f", {check_limits(session, bare, name, largest)} bad refused"
    for files in answers.values():
        if files.dtype == object:
            lines.append(f"    {describe_pngs(files)}")
    return (asked, answers), "\n".join(lines)


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
            right = apart[key] <= tolerance(key, array)
            require(right, f"{name}: {key} is {apart[key]} apart")
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
    require(not done.returncode, f"Python's answers differ: {' '.join(last)}")


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
