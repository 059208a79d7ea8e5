"""Callbacks for training generative adversarial networks."""

from keras_gan.callbacks.collapse_monitor import Collapse, CollapseMonitor, CollapseWarning
from keras_gan.callbacks.divergence_guard import Divergence, DivergenceGuard, DivergenceWarning
from keras_gan.callbacks.evaluation import Evaluation
from keras_gan.callbacks.sample_grid import SampleGrid
from keras_gan.callbacks.sample_sound import SampleSound
from keras_gan.running.backup import Backup, BackupWarning
from keras_gan.visualization.pictures import captioned, crossed, image_grid, side_by_side
from keras_gan.visualization.plots import density_plot, scatter_plot, series_plot, spectrogram_plot

__all__ = [
    "Backup",
    "BackupWarning",
    "Collapse",
    "CollapseMonitor",
    "CollapseWarning",
    "Divergence",
    "DivergenceGuard",
    "DivergenceWarning",
    "Evaluation",
    "SampleGrid",
    "SampleSound",
    "captioned",
    "crossed",
    "density_plot",
    "image_grid",
    "scatter_plot",
    "series_plot",
    "side_by_side",
    "spectrogram_plot",
]
