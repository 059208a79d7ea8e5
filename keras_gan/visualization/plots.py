"""Plots of samples that are not images, as uint8 RGB arrays.

Drawn on figures of their own: neither matplotlib's backend nor its settings are touched.
"""

import math

import numpy as np

_REAL, _GENERATED, _DISCRIMINATOR = "#0072B2", "#D55E00", "#222222"
_BINS = 50
# Steps of a spectrogram's window.
_WINDOW = 256


def density_plot(generated, real=None, probability=None, title="", limits=None):
    """Draw the densities of one-dimensional samples, and D(x) above them.

    Args:
        generated: generated samples, shape `(n,)` or `(n, 1)`.
        real: real samples in the same form, or None.
        probability: function from x, a float32 array of shape `(m, 1)`, to the discriminator's
            probability that x is real, shape `(m,)`; or None.
        title: the title of the plot.
        limits: `(low, high)` of the x axis; by default `plot_limits` of the samples shown. Samples
            outside are counted in the legend and take part in the density.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Example:
    >>> from keras_gan.visualization import plots
    >>> x = np.random.default_rng(0).normal(3.0, 1.0, 1000)
    >>> plots.density_plot(x, real=x + 0.5, title="epoch 1").shape
    (480, 640, 3)
    """
    generated = _finite(generated, 1)
    real = None if real is None else _finite(real, 1)
    low, high = limits or plot_limits(generated if real is None else real)[0]
    figure, axes = _figure(title)
    peaks = []
    for samples, label, colour in ((real, "real", _REAL), (generated, "generated", _GENERATED)):
        if samples is not None:
            peaks.append(_draw_density(axes, samples, (low, high), label, colour))
    # Beside real data the scale stays about the same, so that an animation is steady and a
    # collapsed generator, a spike many times higher, does not flatten everything else.
    top = 1.1 * peaks[-1] if real is None else np.clip(peaks[-1], 1.3 * peaks[0], 3 * peaks[0])
    axes.set(xlabel="x", ylabel="density", xlim=(low, high), ylim=(0.0, top or 1.0))
    if probability is not None:
        _draw_probability(axes, probability, low, high)
    _legend(axes, figure)
    return _pixels(figure)


def scatter_plot(generated, real=None, title="", limits=None):
    """Draw real and generated points of the plane.

    Args:
        generated: generated samples, shape `(n, 2)`.
        real: real samples, shape `(m, 2)`, or None. At most as many as `generated` are drawn.
        title: the title of the plot.
        limits: `((x_low, x_high), (y_low, y_high))`; by default `plot_limits` of the real samples,
            or of the generated ones without them. Points outside are counted in the legend.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Example:
    >>> from keras_gan.visualization import plots
    >>> points = np.random.default_rng(0).normal(size=(500, 2))
    >>> plots.scatter_plot(points, real=points + 0.1, title="epoch 1").shape
    (640, 640, 3)
    """
    generated = _finite(generated, 2)
    real = None if real is None else _finite(real, 2)
    (x_low, x_high), (y_low, y_high) = limits or plot_limits(generated if real is None else real)
    figure, axes = _figure(title, height=6.4)
    if real is not None:
        real = real[: max(1, len(generated))]
        axes.plot(*real.T, ".", color=_REAL, markersize=8, alpha=0.3, mew=0, label="real")
    low, high = np.array([x_low, y_low]), np.array([x_high, y_high])
    label = _label("generated", ((generated >= low) & (generated <= high)).all(axis=1))
    axes.plot(*generated.T, ".", color=_GENERATED, markersize=4, alpha=0.6, mew=0, label=label)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(x_low, x_high), ylim=(y_low, y_high))
    axes.set_aspect("equal", adjustable="box")
    _legend(axes, figure)
    return _pixels(figure)


def series_plot(series, title=""):
    """Draw generated series as small line plots on a common scale.

    Args:
        series: array of shape `(n, steps, channels)`; each channel is one line.
        title: the title of the plot.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Example:
    >>> from keras_gan.visualization import plots
    >>> time = np.linspace(0.0, 6.0, 50)
    >>> waves = np.stack([np.sin(time * k)[:, None] for k in range(1, 5)])
    >>> plots.series_plot(waves, title="epoch 1").shape
    (480, 640, 3)
    """
    series = np.asarray(series, np.float32)
    columns = math.ceil(math.sqrt(len(series)))
    rows = math.ceil(len(series) / columns)
    figure = _empty_figure(4.8)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, one in zip(grid.flat, series, strict=False):
        axes.plot(one, linewidth=1.0)
    for axes in grid.flat[len(series) :]:
        axes.set_axis_off()
    grid[0, 0].set_xlim(0, max(1, series.shape[1] - 1))
    # Series scaled to [-1, 1] keep one scale from epoch to epoch, so that an animation is steady.
    if series.size and np.nanmax(np.abs(series)) <= 1.0:
        grid[0, 0].set_ylim(-1.05, 1.05)
    figure.suptitle(title)
    figure.supxlabel("step")
    figure.supylabel("value")
    return _pixels(figure)


def spectrogram_plot(sounds, sampling_rate, title=""):
    """Draw the spectrograms of sounds, on a common scale of loudness.

    Loudness is in decibels below the loudest sine; what is quieter than 80 below is black.

    Args:
        sounds: array of shape `(n, steps, channels)` in [-1, 1]; the mean of the channels is drawn.
        sampling_rate: in Hz.
        title: the title of the plot.

    Returns:
        A uint8 array of shape `(height, width, 3)`.

    Example:
    >>> from keras_gan.visualization import plots
    >>> time = np.arange(4096) / 8000
    >>> tones = np.stack([np.sin(2 * np.pi * f * time)[:, None] for f in (440, 880)])
    >>> plots.spectrogram_plot(tones, 8000, title="epoch 1").shape
    (480, 640, 3)
    """
    sounds = np.nan_to_num(np.asarray(sounds, np.float32)).mean(axis=2)
    columns = math.ceil(math.sqrt(len(sounds)))
    rows = math.ceil(len(sounds) / columns)
    figure = _empty_figure(max(4.8, 1.6 * rows))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    extent = 0, sounds.shape[1] / sampling_rate, 0, sampling_rate / 2000
    options = {"origin": "lower", "aspect": "auto", "extent": extent, "cmap": "magma"}
    for axes, sound in zip(grid.flat, sounds, strict=False):
        image = axes.imshow(_decibels(sound, sampling_rate), vmin=-80, vmax=0, **options)
    for axes in grid.flat[len(sounds) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=grid, label="dB")
    figure.suptitle(title)
    figure.supxlabel("seconds")
    figure.supylabel("kHz")
    return _pixels(figure)


def _decibels(sound, sampling_rate):
    from matplotlib import mlab

    window = max(1, min(_WINDOW, len(sound) // 2))
    overlap = window - max(1, window // 4)
    found, _, _ = mlab.specgram(sound, window, sampling_rate, noverlap=overlap, mode="magnitude")
    # Half of a sine's amplitude is at its frequency, half at the negative one.
    return 20 * np.log10(np.maximum(2 * found, 1e-6))


def plot_limits(samples):
    """Return `(low, high)` for each dimension of samples, a quarter of the range wider each way.

    Args:
        samples: array of shape `(n,)` or `(n, dimensions)`.

    Returns:
        A tuple of `dimensions` pairs of floats.

    Example:
    >>> from keras_gan.visualization import plots
    >>> plots.plot_limits([[0.0, -2.0], [4.0, 2.0]])
    ((-1.0, 5.0), (-3.0, 3.0))
    """
    samples = np.asarray(samples, np.float64)
    samples = _finite(samples, 1 if samples.ndim < 2 else samples.shape[1])
    if not len(samples):
        return ((-1.0, 1.0),) * samples.shape[1]
    low, high = samples.min(axis=0), samples.max(axis=0)
    margin = np.where(high > low, 0.25 * (high - low), 1.0)
    return tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))


def _finite(samples, dimensions):
    samples = np.asarray(samples, np.float64).reshape(-1, dimensions)
    return samples[np.isfinite(samples).all(axis=1)]


def _draw_density(axes, samples, limits, name, colour):
    """Draw a histogram and return its peak."""
    inside = (samples >= limits[0]) & (samples <= limits[1])
    edges = np.linspace(*limits, _BINS + 1)
    counts, _ = np.histogram(samples, edges)
    # Divided by all samples, those outside included: the drawn area is the share inside.
    density = counts / (max(1, len(samples)) * (edges[1] - edges[0]))
    axes.stairs(density, edges, fill=True, color=colour, alpha=0.25)
    axes.stairs(density, edges, color=colour, linewidth=1.5, label=_label(name, inside))
    return density.max()


def _draw_probability(axes, probability, low, high):
    x = np.linspace(low, high, 256, dtype=np.float32)[:, None]
    twin = axes.twinx()
    twin.plot(x, probability(x), color=_DISCRIMINATOR, linewidth=1.5, label="D(x)")
    twin.axhline(0.5, color=_DISCRIMINATOR, linewidth=0.8, linestyle=":")
    twin.set(ylabel="D(x), the probability of real", ylim=(0.0, 1.05))


def _label(name, inside):
    outside = 0.0 if not len(inside) else 1.0 - inside.mean()
    return f"{name} ({outside:.1%} outside)" if outside >= 0.0005 else name


def _figure(title, height=4.8):
    figure = _empty_figure(height)
    axes = figure.add_subplot()
    # Above the axes there is room for the title on the left and the legend on the right.
    axes.set_title(title, loc="left")
    return figure, axes


def _empty_figure(height):
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, height), dpi=100, facecolor="white", layout="constrained")


def _legend(axes, figure):
    handles, labels = [], []
    for each in figure.axes:
        more = each.get_legend_handles_labels()
        handles, labels = handles + more[0], labels + more[1]
    axes.legend(
        handles,
        labels,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=3,
        frameon=False,
        markerscale=2.5,
    )


def _pixels(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
