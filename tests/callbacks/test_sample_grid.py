"""SampleGrid: names, files, animation, refusals; what it draws of samples alone."""

import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn import FakeGAN, begin, names, read, train
from PIL import Image

from keras_gan.callbacks import SampleGrid, captioned, image_grid
from keras_gan.visualization import files


def test_each_epoch_draws_the_same_seeds(tmp_path):
    model = train(SampleGrid(tmp_path / "a" / "b", samples=9, seed=5), FakeGAN(), epochs=2)
    directory = tmp_path / "a" / "b"
    assert names(directory) == ["epoch_0001.png", "epoch_0002.png", "training.gif"]
    assert {call for call in model.calls} == {(9, 5, None)}
    for epoch in (0, 1):
        model.epoch = epoch
        expected = captioned(image_grid(model.generate(9, 5), columns=3), f"epoch {epoch + 1}")
        picture = read(directory / f"epoch_{epoch + 1:04d}.png")
        np.testing.assert_array_equal(picture, expected[..., 0])


def test_colour_images_are_written_in_colour(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(shape=(4, 4, 3)), epochs=1)
    assert read(tmp_path / "epoch_0001.png").shape[2:] == (3,)


def test_every_and_the_last_epoch(tmp_path):
    train(SampleGrid(tmp_path, every=3), FakeGAN(), epochs=7)
    epochs = [name for name in names(tmp_path) if name.endswith("png")]
    assert epochs == ["epoch_0003.png", "epoch_0006.png", "epoch_0007.png"]


def test_the_animation_shows_every_epoch_and_rests_on_the_last(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=4)
    with Image.open(tmp_path / "training.gif") as gif:
        assert gif.n_frames == 4
        assert gif.info["loop"] == 0
        durations = []
        for frame in range(4):
            gif.seek(frame)
            durations.append(gif.info["duration"])
            picture = np.asarray(gif.convert("L"))
            np.testing.assert_array_equal(picture, read(tmp_path / f"epoch_{frame + 1:04d}.png"))
    assert durations == [500, 500, 500, 2000]


def test_a_resumed_run_continues_numbers_and_animation(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=2)
    first = (tmp_path / "epoch_0001.png").read_bytes()
    train(SampleGrid(tmp_path), FakeGAN(), epochs=5, initial_epoch=2)
    assert names(tmp_path) == [f"epoch_000{i}.png" for i in range(1, 6)] + ["training.gif"]
    assert (tmp_path / "epoch_0001.png").read_bytes() == first
    with Image.open(tmp_path / "training.gif") as gif:
        assert gif.n_frames == 5


def test_the_animation_leaves_out_what_another_run_left(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=6)
    train(SampleGrid(tmp_path, samples=25, every=2), FakeGAN(), epochs=4)
    # Epochs 1 and 3 are of the first run's size, 5 and 6 are of its future.
    with Image.open(tmp_path / "training.gif") as gif:
        assert gif.n_frames == 2


def test_a_long_run_is_animated_in_a_hundred_frames(tmp_path):
    for epoch in range(1, 252):
        picture = np.full((4, 4, 1), epoch % 256, np.uint8)
        files.save_png(picture, files.epoch_path(tmp_path, epoch))
    files.save_gif(files.epoch_paths(tmp_path, 251), tmp_path / "long.gif")
    with Image.open(tmp_path / "long.gif") as gif:
        assert gif.n_frames == 100
        shown = []
        for frame in range(100):
            gif.seek(frame)
            shown.append(int(np.asarray(gif.convert("L"))[0, 0]))
    assert (shown[0], shown[-1]) == (1, 251)
    assert set(np.diff(shown)) == {2, 3}


def test_large_pictures_are_animated_small(tmp_path):
    files.save_png(np.zeros((600, 3000, 3), np.uint8), files.epoch_path(tmp_path, 1))
    files.save_gif(files.epoch_paths(tmp_path, 1), tmp_path / "large.gif")
    assert read(tmp_path / "large.gif").shape[1] == 1024


def test_ten_thousand_epochs_stay_in_order(tmp_path):
    for epoch in (10_000, 9_999, 2):
        pathlib.Path(files.epoch_path(tmp_path, epoch)).touch()
    (tmp_path / "epoch_final.png").touch()
    found = [os.path.basename(path) for path in files.epoch_paths(tmp_path, 10_000)]
    assert found == ["epoch_0002.png", "epoch_9999.png", "epoch_10000.png"]


def test_one_dimensional_data_shows_d_as_a_probability(tmp_path, monkeypatch):
    drawn = {}

    def density_plot(generated, real, probability, title):
        x = np.array([[-1000.0], [0.0], [0.5], [1000.0]], np.float32)
        drawn.update(generated=generated, real=real, d=probability(x), title=title)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr("keras_gan.visualization.plots.density_plot", density_plot)
    model = FakeGAN(shape=(1,))
    train(SampleGrid(tmp_path, real=np.arange(5)), model, epochs=1)
    np.testing.assert_allclose(drawn["d"], [0.0, 0.5, 1 / (1 + np.exp(-1.0)), 1.0], atol=1e-6)
    assert drawn["generated"].shape == (2048, 1)
    assert drawn["real"].shape == (5, 1)
    assert drawn["title"] == "epoch 1"


def test_one_dimensional_conditional_data_is_drawn_without_d(tmp_path):
    model = FakeGAN(shape=(1,), conditional=True, num_classes=2)
    train(SampleGrid(tmp_path), model, epochs=1)
    assert read(tmp_path / "epoch_0001.png").shape == (480, 640, 3)
    assert all(isinstance(call, tuple) for call in model.calls)


@pytest.mark.parametrize(
    ("shape", "count"), [((1,), 2048), ((2,), 2048), ((20, 3), 16), ((8, 8, 3), 64)]
)
def test_the_shape_of_a_sample_decides_what_is_drawn(tmp_path, shape, count):
    model = train(SampleGrid(tmp_path), FakeGAN(shape=shape), epochs=1)
    assert [call for call in model.calls if isinstance(call, tuple)][-1][0] == count
    assert read(tmp_path / "epoch_0001.png").shape[2] == 3


def test_the_picture_goes_to_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
    train(SampleGrid(tmp_path / "grids", samples=4, writer=writer), FakeGAN(), epochs=2)
    (path,) = (tmp_path / "logs").iterdir()
    events = [e for e in EventFileLoader(str(path)).Load() if e.summary.value]
    assert [(e.step, e.summary.value[0].tag) for e in events] == [(0, "samples"), (1, "samples")]
    picture = tf.io.decode_png(events[1].summary.value[0].tensor.string_val[2])[..., 0]
    np.testing.assert_array_equal(picture, read(tmp_path / "grids" / "epoch_0002.png"))


def test_a_failure_while_writing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    save = Image.Image.save

    def interrupted(image, file, *args, **options):
        save(image, file, *args, **options)
        os.truncate(file, 10)
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    for write in (
        lambda: files.save_png(np.zeros((4, 4, 1), np.uint8), tmp_path / "epoch_0001.png"),
        lambda: files.save_gif([tmp_path / "epoch_0001.png"], tmp_path / "training.gif"),
    ):
        with pytest.raises(KeyboardInterrupt):
            write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_whoever_reads_the_old_file_keeps_it_whole(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=1)
    path = tmp_path / "epoch_0001.png"
    before = path.read_bytes()
    with open(path, "rb") as reader:
        files.save_png(np.zeros((90, 90, 3), np.uint8), path)
        assert reader.read() == before
    assert path.read_bytes() != before
    assert names(tmp_path) == ["epoch_0001.png", "training.gif"]


def test_only_the_chief_writes_and_every_worker_generates(tmp_path):
    class Worker:
        class extended:
            should_checkpoint = False

    model = FakeGAN()
    model.distribute_strategy = Worker
    train(SampleGrid(tmp_path / "grids"), model, epochs=2)
    assert not (tmp_path / "grids").exists()
    assert len(model.calls) == 3


def test_training_without_an_epoch_writes_nothing(tmp_path):
    train(SampleGrid(tmp_path), FakeGAN(), epochs=0)
    assert names(tmp_path) == []


class FittedGAN(FakeGAN, keras.Sequential):
    def __init__(self):
        keras.Sequential.__init__(self, [keras.layers.Dense(1)])
        FakeGAN.__init__(self)


def test_keras_fit_drives_it(tmp_path):
    model = FittedGAN()
    model.compile(loss="mse", run_eagerly=True)
    data = {"x": np.ones((2, 1)), "y": np.ones((2, 1)), "verbose": 0}
    model.fit(**data, epochs=1, callbacks=[SampleGrid(tmp_path)])
    model.fit(**data, epochs=4, initial_epoch=1, callbacks=[SampleGrid(tmp_path, every=3)])
    expected = ["epoch_0001.png", "epoch_0003.png", "epoch_0004.png", "training.gif"]
    assert names(tmp_path) == expected


def test_a_directory_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("kept")
    for directory, text in ((path, "File exists"), (path / "sub", "Not a directory")):
        with pytest.raises(ValueError, match=f"`directory` to be.*Received: directory=.*{text}"):
            begin(SampleGrid(directory), FakeGAN())
    assert path.read_text() == "kept"


def test_a_directory_without_permission_is_refused(tmp_path, monkeypatch):
    # Permissions do not bind root, so the system's answer is played back.
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"can be created and written to.*Permission denied"):
        begin(SampleGrid(tmp_path), FakeGAN())


@pytest.mark.parametrize(
    ("model", "arguments", "text"),
    [
        (
            FakeGAN(conditional=True),
            {},
            "takes a condition.*Received: condition=None",
        ),
        (FakeGAN(), {"condition": [1, 2]}, r"takes no condition.*Received: .*shape \(2,\)"),
        (
            FakeGAN(conditional=True),
            {"condition": [1, 2], "samples": 3},
            "a row for each of the n=3 samples. Received: 2 rows",
        ),
        (
            FakeGAN(conditional=True),
            {"condition": (np.zeros(2), np.zeros(3))},
            "a row for each of the n=2 samples. Received: 3 rows",
        ),
        (FakeGAN(shape=(5,)), {}, r"draws samples of shape.*Received: samples of shape \(5,\)"),
        (FakeGAN(shape=(28, 28)), {}, r"up to 8 channels.*Received: .*\(28, 28\)"),
        (FakeGAN(shape=(8, 8, 5)), {}, r"1, 3 or 4.*Received: .*\(8, 8, 5\)"),
        (FakeGAN(shape=(8, 8, 8, 1)), {}, r"Received: .*\(8, 8, 8, 1\)"),
        (FakeGAN(shape=(2,)), {"real": np.zeros((9, 3))}, r"`real` must.*shape=\(9, 3\)"),
        (FakeGAN(), {"real": np.zeros((9, 4, 4, 1))}, "leave `real` out"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_training(tmp_path, model, arguments, text):
    with pytest.raises(ValueError, match=text):
        begin(SampleGrid(tmp_path, **arguments), model)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"samples": 0}, ValueError, "`samples`.*at least 1.*Received: samples=0"),
        ({"seed": -1}, ValueError, "`seed`.*at least 0.*Received: seed=-1"),
        ({"every": 0}, ValueError, "`every`.*at least 1.*Received: every=0"),
        ({"every": 2.5}, ValueError, "`every`.*whole number.*Received: every=2.5"),
        ({"writer": "logs"}, TypeError, "create_file_writer.*Received: writer='logs'"),
        ({"directory": "gs://bucket/run"}, ValueError, "local path.*Received: directory='gs:"),
    ],
)
def test_arguments_out_of_range_are_refused_at_once(tmp_path, arguments, error, text):
    with pytest.raises(error, match=text):
        SampleGrid(**{"directory": tmp_path, **arguments})


def test_a_writer_without_tensorboard_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        SampleGrid(tmp_path, writer=tf.summary.create_noop_writer())
