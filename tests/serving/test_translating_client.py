"""The client sends PNG files to a model from images to images, and writes what it makes."""

import types

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from tests.export import translators

from . import servers
from .clients import TRANSPORTS, at, statement


@pytest.fixture(scope="module")
def repairing(tmp_path_factory):
    """Return an inpainting of grey images, and the server of its export."""
    model = translators.inpainting((8, 8, 1))
    base = tmp_path_factory.mktemp("served") / "repair"
    model.export(base, warmup=False)
    with servers.in_process("repair", base) as running:
        yield model, running


@pytest.fixture
def files(tmp_path):
    """Return an image and a mask, beside the value of the flag that sends their files."""
    image = np.arange(64, dtype="uint8").reshape(1, 8, 8, 1) * 4
    mask = np.where(np.indices((8, 8)).sum(0) > 8, 255, 0).astype("uint8").reshape(image.shape)
    for name, array in (("image", image), ("mask", mask)):
        (tmp_path / f"{name}.png").write_bytes(translators.png(array[0]))
    paths = ",".join(f"{name}={tmp_path / name}.png" for name in ("image", "mask"))
    return {"image": image, "mask": mask}, paths


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_file_is_sent_and_the_answer_written(run, repairing, files, tmp_path, transport):
    model, running = repairing
    arrays, paths = files
    output = tmp_path / "whole.png"
    where = at(running, transport, "repair")
    printed = run(*where, f"--translate={paths}", f"--output={output}")
    assert printed == f"Wrote {output}\n{statement(1, 'repair')}\n"
    found = translators.pixels(output.read_bytes())
    expected = translators.levels(model.generate(1, condition=arrays))
    np.testing.assert_allclose(found, expected[0], atol=0.5 + 1e-3)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_wrong_with_files_is_explained(refusal, repairing, files, tmp_path, transport):
    where = at(repairing[1], transport, "repair")
    _, paths = files
    for given in (str(tmp_path / "image.png"), f"mask={tmp_path / 'mask.png'}"):
        said = refusal(*where, f"--translate={given}")
        assert "takes PNG files, and a file for each of its inputs" in said
        assert "takes ['condition_image', 'condition_mask'], --translate" in said
    assert "takes [], --translate" in refusal(
        *where, f"--translate={paths}", "--signature=a_to_b_png"
    )
    no_place = tmp_path / "no" / "whole.png"
    assert "can be written to" in refusal(*where, f"--translate={paths}", f"--output={no_place}")
    (tmp_path / "mask.png").write_bytes(b"GIF89a")
    said = refusal(*where, f"--translate={paths}", f"--output={tmp_path / 'whole.png'}")
    assert "Expected condition_mask to be PNG files" in said
    (tmp_path / "mask.png").unlink()
    assert "No such file" in refusal(*where, f"--translate={paths}")


def test_one_of_two_domains_is_named_by_the_signature(script, tmp_path):
    """An only input takes the file that has no name."""
    (tmp_path / "horse.png").write_bytes(b"a file")
    asked = {}

    def predict(signature, output, inputs):
        asked.update(signature=signature, output=output, inputs=inputs)
        return [translators.png(np.zeros((4, 4, 3), "uint8"))]

    server = types.SimpleNamespace(
        predict=predict, signatures=lambda: {"a_to_b_png": {"condition_a": "string"}}
    )
    with flagsaver.flagsaver():
        flags.FLAGS(
            [
                "serving_client.py",
                f"--translate={tmp_path / 'horse.png'}",
                "--signature=a_to_b_png",
                f"--output={tmp_path / 'zebra.png'}",
            ]
        )
        script.translate(server)
    assert asked["signature"] == "a_to_b_png" and asked["output"] == "image_b_bytes"
    assert {name: list(each) for name, each in asked["inputs"].items()} == {
        "condition_a": [b"a file"]
    }
    assert (tmp_path / "zebra.png").read_bytes().startswith(b"\x89PNG")
