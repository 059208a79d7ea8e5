"""The check of an export: what it finds in a whole one, and in those that are not."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import psutil
import pytest
import tensorflow as tf

from keras_gan.export import digests
from tests.examples import scripts
from tests.export import models

from . import c_api, exported

SCRIPT = pathlib.Path(__file__).with_name("check_export.py")
SIGNATURES = ("discriminate", "interpolate", "sample", "sample_png", "serving_default")


@pytest.fixture(scope="module")
def check():
    """Return the script as a module."""
    return scripts.load(SCRIPT)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Return an export's directory."""
    return pathlib.Path(exported.export(tmp_path_factory.mktemp("checked"))[1])


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """Return the directory of an export of points, which is checked in less time."""
    path = models.KINDS["average"]().export(tmp_path_factory.mktemp("points"), warmup=True)
    return pathlib.Path(path)


def run(*arguments, command=(SCRIPT,)):
    """Run the script; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, *command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    return done.returncode, done.stdout, done.stderr


# The script's `main` for each path, in one process: to load TensorFlow is half of what a check
# takes.
CHECKS = """
import contextlib, io, json, sys, traceback
sys.path.insert(0, sys.argv[1])
import check_export
check_export.flags.FLAGS(["check_export.py", "--nopython"])
for path in sys.argv[2:]:
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            check_export.main(["check_export.py", path])
        except SystemExit as end:
            code = end.code
        except BaseException:
            code = 1
            traceback.print_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def run_each(paths):
    """Return what `run` does for each path with `--nopython`, all of one process."""
    code, out, err = run(SCRIPT.parent, *paths, command=("-c", CHECKS))
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def found(request, tmp_path_factory):
    """Return what the script says of each kind of damage that tests of this run want."""
    items = (item for item in request.session.items if item.path == request.path)
    params = [item.callspec.params for item in items if hasattr(item, "callspec")]
    wanted = [damage for damage in MAKERS if any(p.get("damage") == damage for p in params)]
    base, paths = tmp_path_factory.mktemp("damaged"), []
    for damage in wanted:
        export = request.getfixturevalue("points" if damage in WARMUPS else "export")
        paths.append(pathlib.Path(shutil.copytree(export, base / damage.__name__ / "1")))
        damage(paths[-1])
        digests.write(paths[-1])  # What the list would find is found by another test.
    return dict(zip(wanted, run_each(paths), strict=True))


@pytest.mark.slow
def test_a_whole_export_passes(export):
    code, out, err = run(export.parent)  # The newest of the base directory's.
    assert code == 0, err
    for name in SIGNATURES:
        assert f"  {name}(" in out, name
        assert f"  {name}: " in out[out.index("Beside Python's") :], name
    assert "warm-up: 5 requests replayed" in out
    assert "3 PNGs of 8 x 8, each says: Synthetic image, made by a generative model: digits" in out
    assert "(Comment, XML:com.adobe.xmp)" in out
    assert "imported neither tensorflow nor keras nor keras_gan" in out
    assert out.endswith("All is well.\n")


@pytest.mark.slow
def test_other_generators_pass(points, tmp_path):
    """One that makes images of images, and one that makes points."""
    images = models.KINDS["source image"]().export(tmp_path / "images")
    for code, _, err in run_each([images, points]):
        assert code == 0, err


def test_missing_and_empty_directories_fail(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        code, out, err = run(path)
        assert code == 1
        assert "FAILED" in err
        assert "Traceback" not in err
        assert "All is well" not in out


def remove_model(path):
    (path / "saved_model.pb").unlink()


def truncate_model(path):
    os.truncate(path / "saved_model.pb", 1000)


def truncate_variables(path):
    (data,) = (path / "variables").glob("*.data*")
    os.truncate(data, data.stat().st_size // 2)


def write_warmup(path, records):
    with tf.io.TFRecordWriter(str(path / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)


def truncate_warmup(path):
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    os.truncate(file, file.stat().st_size - 2)


def truncate_warmups_start(path):
    os.truncate(path / "assets.extra" / "tf_serving_warmup_requests", 6)


def write_other_warmup(path):
    write_warmup(path, [b"\xff\xff\xff\xff"])


def write_card_without_limits(path):
    (path / "model_card.json").write_text("{}")


def write_card_of_another_kind(path):
    (path / "model_card.json").write_text("[]")


def truncate_card(path):
    os.truncate(path / "model_card.json", 100)


def alter_warmup(path):
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)


def claim_other_limits(path):
    file = path / "model_card.json"
    file.write_text(file.read_text().replace('"max_batch_size": 16', '"max_batch_size": 15'))


DAMAGES = {
    remove_model: "Expected saved_model.pb",
    truncate_model: "missing or torn",
    truncate_variables: "missing or torn",
    alter_warmup: "checksum is wrong",
    truncate_warmup: "is cut off",
    truncate_warmups_start: "is cut off",
    write_other_warmup: "Expected PredictionLogs",
    write_card_without_limits: "export.max_batch_size",
    write_card_of_another_kind: "export.max_batch_size",
    truncate_card: "export.max_batch_size",
    claim_other_limits: "a batch too large was answered",
}


# Found behind all else, so that it is asked of an export with fewer signatures.
WARMUPS = {alter_warmup, truncate_warmup, truncate_warmups_start, write_other_warmup}


def remove_card(path):
    (path / "model_card.json").unlink()


MAKERS = [*DAMAGES, remove_card]


@pytest.mark.representatives(
    "remove_model",
    "truncate_model",
    "truncate_card",
    "write_card_without_limits",
    "write_card_of_another_kind",
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(found, damage):
    code, out, err = found[damage]
    assert code == 1, out
    (line,) = [line for line in err.splitlines() if line.startswith("FAILED")]
    assert DAMAGES[damage] in line
    assert "Traceback" not in err
    assert "All is well" not in out


@pytest.mark.parametrize("damage", [truncate_variables, alter_warmup, claim_other_limits])
def test_what_is_not_as_it_was_written_is_not_loaded(check, export, damage, tmp_path, monkeypatch):
    path = pathlib.Path(shutil.copytree(export, tmp_path / "1"))
    damage(path)
    monkeypatch.setattr(check, "load", lambda *args, **kwargs: pytest.fail("It was loaded."))
    with pytest.raises(ValueError, match="the export or its copy is damaged"):
        check.served(path)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [claim_other_limits])
def test_one_signature_that_fails_hides_no_other(found, damage):
    code, out, err = found[damage]
    assert code == 1
    for name in SIGNATURES:
        assert f"  {name}(" in out
        assert f"{name}: a batch too large was answered" in err


@pytest.mark.slow
@pytest.mark.parametrize("damage", [remove_card])
def test_without_a_card_it_says_what_it_did_not_check(found, damage):
    code, out, err = found[damage]
    assert code == 0, err
    assert "limits: not checked" in out
    assert "bad refused" not in out


class Lenient(tf.Module):
    """Looks at rows, types and values, and at no shapes."""

    @tf.function(input_signature=[tf.TensorSpec((None, 5), tf.float32, name="latents")])
    def call(self, latents):
        rows = tf.shape(latents)[0]
        tf.debugging.Assert((rows >= 1) & (rows <= exported.LARGEST), [rows])
        tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(latents)), ["not finite"])
        return {"images": 2 * latents}


def test_a_graph_that_takes_any_shape_is_found(tmp_path):
    """What the session would find before the graph is asked of the graph itself."""
    lenient = Lenient()
    tf.saved_model.save(lenient, str(tmp_path), signatures=lenient.call)
    card = f'{{"export": {{"max_batch_size": {exported.LARGEST}}}}}'
    (tmp_path / "model_card.json").write_text(card)
    code, _, err = run(tmp_path, "--nopython")
    assert code == 1
    assert "serving_default: latents of shape (2, 4) was answered" in err


def test_the_newest_version_is_a_directory(check, tmp_path):
    for name in ("2", "10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "99").touch()
    assert check.version_directory(tmp_path) == tmp_path / "10"


def test_every_png_is_read(check, export):
    with c_api.Session(export) as session:
        files = session.run("sample_png", exported.good_requests()["sample_png"])["image_bytes"]
    assert check.describe_pngs(files).startswith(f"{len(files)} PNGs of 8 x 8")
    (at,) = [i for i in range(len(files[-1])) if files[-1][i : i + 4] == b"IDAT"]
    altered = files[-1][: at + 6] + b"?" + files[-1][at + 7 :]
    for torn, message in ((altered, "IDAT.* another checksum"), (files[-1][:-3], "cut off")):
        with pytest.raises(AssertionError, match=message):
            check.describe_pngs([*files[:-1], torn])


@pytest.mark.slow
def test_answers_that_are_not_pythons_are_found(check, points):
    with c_api.Session(points) as session:
        found = {name: check.check_answers(session, name) for name in session.signatures}
    inputs, outputs = found["sample"]
    found["sample"] = (inputs, {**outputs, "latents": outputs["latents"] + 1e-6})
    message = r"Python's answers differ: .*sample: latents is .* apart"
    with pytest.raises(AssertionError, match=message):
        check.ask_python(points, found)


# The C API


def test_signatures_are_those_of_python(export):
    loaded = tf.saved_model.load(str(export)).signatures
    with c_api.Session(export) as session:
        assert session.signatures.keys() == loaded.keys()
        for name, signature in session.signatures.items():
            sides = (loaded[name].structured_input_signature[1], loaded[name].structured_outputs)
            for slots, specs in zip(signature[:2], sides, strict=True):
                assert {
                    key: (slot.dtype.replace("object", "string"), slot.shape)
                    for key, slot in slots.items()
                } == {key: (spec.dtype.name, tuple(spec.shape)) for key, spec in specs.items()}
        np.testing.assert_array_equal(session.signatures["sample"].defaults["truncation"], [np.inf])


def test_strings_of_requests_and_answers_are_given_back(tmp_path):
    """Both longer than what a string holds within itself."""
    echo = tf.Module()
    spec = tf.TensorSpec((None,), tf.string, name="text")
    echo.call = tf.function(lambda t: {"twice": t + t}, input_signature=[spec])
    tf.saved_model.save(echo, str(tmp_path), signatures=echo.call)
    process, text = psutil.Process(), np.array([b"x" * 100_000] * 2, object)

    def ask(count):
        for _ in range(count):
            assert len(session.run("serving_default", {"text": text})["twice"][1]) == 200_000
        return process.memory_info().rss

    with c_api.Session(tmp_path) as session:
        before = ask(20)
        assert ask(500) - before < 20_000_000  # Of 300 MB that went through.


class Echo(tf.Module):
    """Answers with what it was asked, of every type."""

    def __init__(self):
        super().__init__()
        kinds = ["float16", "float32", "float64", "int32", "int64", "uint8", "bool", "string"]
        self.specs = [tf.TensorSpec((None, None), kind, name=f"of_{kind}") for kind in kinds]
        self.call = tf.function(
            lambda *tensors: {f"as_{t.dtype.name}": tf.identity(t) for t in tensors},
            input_signature=self.specs,
        )


def test_every_type_comes_back(tmp_path):
    echo = Echo()
    tf.saved_model.save(echo, str(tmp_path), signatures=echo.call)
    texts = [[b"", b"a" * 22, b"a" * 23], ["ü".encode(), b"\x00\x01", b"long" * 1000]]
    inputs = {
        spec.name: np.arange(6).reshape(2, 3).astype(spec.dtype.as_numpy_dtype)
        for spec in echo.specs[:-1]
    }
    with c_api.Session(tmp_path) as session:
        outputs = session.run("serving_default", {**inputs, "of_string": np.array(texts, object)})
        for name, array in inputs.items():
            back = outputs[name.replace("of_", "as_")]
            np.testing.assert_array_equal(back, array)
            assert back.dtype == array.dtype
        assert outputs["as_string"].tolist() == texts


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, -2.0], [0, np.inf]], "float32"),
        np.array([1.5, 2.5], "float16"),
        np.array([1, 2, 3], "int64"),
        np.array([-1, 2], "int32"),
        np.array([0, 255], "uint8"),
        np.array([True, False]),
        np.array([1e300], "float64"),
        np.array([b"one", b"two"], object),
        np.zeros((0, 3), "float32"),
        np.array(7, "int32"),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_tensor_messages_are_read_as_tensorflow_reads_them(array):
    proto = tf.make_tensor_proto(array)
    read = c_api.array_of(c_api.PROTOS["Tensor"].FromString(proto.SerializeToString()))
    np.testing.assert_array_equal(read, tf.make_ndarray(proto))
    assert read.dtype == array.dtype


def test_a_last_value_stands_for_those_that_follow():
    proto = tf.make_tensor_proto(np.array([1.0, 2.0], "float32"))
    proto.ClearField("tensor_content")
    proto.float_val.extend([1.0, 2.0])
    proto.tensor_shape.dim[0].size = 4
    read = c_api.array_of(c_api.PROTOS["Tensor"].FromString(proto.SerializeToString()))
    np.testing.assert_array_equal(read, [1, 2, 2, 2])


def test_the_checksum_is_tensorflows(check, tmp_path):
    texts = [b"", b"1", b"checksum" * 100]
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for text in texts:
            writer.write(text)
    assert list(check.records(tmp_path / "records")) == texts


def test_a_session_says_what_it_can_not_do(export):
    seeds, label = np.arange(2), np.zeros(2, "int32")
    with c_api.Session(export, checked=False) as session:
        native = session.run("sample", {"seed": seeds, "condition": label})
        swapped = session.run("sample", {"seed": seeds.astype(">i8"), "condition": label})
        np.testing.assert_array_equal(native["latents"], swapped["latents"])
        for bad in (seeds.astype("complex128"), np.array([1, None], object)):
            with pytest.raises(c_api.RequestError, match="INVALID_ARGUMENT: Expected one of"):
                session.run("sample", {"seed": bad, "condition": label})
        with pytest.raises(c_api.RequestError, match="Expected the inputs"):
            session.run("sample", {"seeds": seeds, "condition": label})
    with pytest.raises(RuntimeError, match="closed"):
        session.run("sample", {"seed": seeds, "condition": label})
