import matplotlib
import numpy as np
import pytest

from keras_gan.callbacks import density_plot, scatter_plot, series_plot
from keras_gan.visualization import plots

BLUE, ORANGE, BLACK = (0, 114, 178), (213, 94, 0), (34, 34, 34)


def near(picture, colour, tolerance=60):
    """Return where a picture shows a colour."""
    return np.abs(picture.astype(int) - colour).max(axis=-1) <= tolerance


@pytest.fixture(autouse=True)
def settings_stay():
    before = (matplotlib.get_backend(auto_select=False), matplotlib.rcParams.copy())
    yield
    assert (matplotlib.get_backend(auto_select=False), matplotlib.rcParams.copy()) == before


def test_points_are_drawn_where_they_lie():
    left, right = np.full((50, 2), -1.0), np.full((50, 2), 1.0)
    picture = scatter_plot(left, right, limits=((-2, 2), (-2, 2)))
    below_legend = 60
    blue, orange = (near(picture, c)[below_legend:].nonzero() for c in (BLUE, ORANGE))
    assert blue[0].size
    assert orange[0].size
    assert blue[0].max() < orange[0].min()
    assert orange[1].max() < blue[1].min()


def test_points_can_be_drawn_without_real_ones():
    picture = scatter_plot(np.random.default_rng(0).normal(size=(50, 2)).repeat(5, axis=0))
    assert near(picture, ORANGE).any()
    assert not near(picture, BLUE).any()


def test_densities_and_discriminator_are_drawn_where_they_lie():
    rng = np.random.default_rng(0)
    generated, real = rng.uniform(0.1, 0.3, 4000), rng.uniform(0.7, 0.9, 4000)
    picture = density_plot(generated, real, lambda x: (x[:, 0] > 0.5) * 0.9, limits=(0.0, 1.0))
    box = picture[100:400, 70:560]
    blue, orange, black = (near(box, c, 40).nonzero()[1] for c in (BLUE, ORANGE, BLACK))
    assert orange.max() < box.shape[1] / 2 < blue.min()
    steep = near(box, BLACK, 40).sum(axis=0).argmax()
    assert black.size
    assert abs(steep - box.shape[1] / 2) < 25


def test_the_drawn_area_is_the_share_inside():
    areas = []

    class Axes:
        def stairs(self, density, edges, **options):
            areas.append((density * np.diff(edges)).sum())

    samples = np.concatenate([np.full(75, 0.5), np.full(25, 9.0)])[:, None]
    plots._draw_density(Axes(), samples, (0.0, 1.0), "generated", "k")
    np.testing.assert_allclose(areas, 0.75)
    inside = (samples < 1.0)[:, 0]
    assert plots._label("generated", inside) == "generated (25.0% outside)"
    assert plots._label("generated", np.arange(9999) > 0) == "generated"


def test_a_collapsed_generator_does_not_flatten_the_real_density():
    picture = density_plot(np.zeros(5000), np.random.default_rng(0).normal(0.0, 1.0, 5000))
    # Within the axes, where only the real density is blue: a third of their height, not a tenth.
    height = near(picture[40:430, 70:580], BLUE, 40).any(axis=1).sum()
    assert 100 < height < 160


@pytest.mark.parametrize("draw", [density_plot, scatter_plot])
def test_a_generator_that_diverged_is_still_drawn(draw):
    dimensions = 1 if draw is density_plot else 2
    generated = np.full((20, dimensions), np.nan)
    assert draw(generated).shape[2] == 3
    assert draw(generated, np.ones((20, dimensions))).shape[2] == 3


def test_series_are_drawn_one_to_a_plot():
    time = np.linspace(0.0, 1.0, 10)
    picture = series_plot(np.stack([np.stack([time, 1 - time], axis=1)] * 3))
    assert picture.shape == (480, 640, 3)
    first = near(picture, (31, 119, 180))
    second = near(picture, (255, 127, 14))
    for lines in (first, second):
        corners = [lines[:220, :300], lines[:220, 360:], lines[260:, :300], lines[260:, 360:]]
        assert [corner.any() for corner in corners] == [True, True, True, False]


def test_limits_leave_a_quarter_on_each_side():
    assert plots.plot_limits([0.0, 4.0, np.nan]) == ((-1.0, 5.0),)
    assert plots.plot_limits([[0.0, -2.0], [4.0, 2.0]]) == ((-1.0, 5.0), (-3.0, 3.0))
    assert plots.plot_limits([3.0, 3.0]) == ((2.0, 4.0),)
    assert plots.plot_limits(np.zeros((0, 2))) == ((-1.0, 1.0), (-1.0, 1.0))
