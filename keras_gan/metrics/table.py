"""Table of metrics, with a hint on how to read each."""

# How to read a value, where the floor doesn't say it.
_READING = {
    "frechet_distance": "lower is better",
    "kernel_distance": "lower is better, about 0 at best",
    "precision_recall/precision": "share of samples that look real",
    "precision_recall/recall": "share of real samples within reach",
    "density_coverage/density": "1 at best",
    "density_coverage/coverage": "share of real samples that have a neighbour",
    "sliced_wasserstein": "lower is better",
    "patch_sliced_wasserstein/distance": "lower is better",
    "patch_sliced_wasserstein/std_ratio": "below 1: blur, above: noise",
    "psnr": "mean over images, higher is better",
    "psnr/pooled": "of the pooled error, higher is better",
    "ssim": "higher is better, 1 at best",
    "paired_multi_scale_ssim": "higher is better, 1 at best",
    "l1": "lower is better",
    "feature_distance": "lower is better",
    "multi_scale_ssim/fake": "above real: samples vary too little",
    "multi_scale_ssim/real": "",
    "inception_score": "higher is better",
    "class_coverage/classes": "classes that are made",
    "class_coverage/smallest": "share of the rarest class",
    "class_coverage/reverse_kl": "lower is better",
    "class_coverage/confidence": "below the floor: unclear samples",
    "nearest_neighbour/fake": "distance to the nearest training sample",
    "nearest_neighbour/real": "the same of the held-out samples",
    "nearest_neighbour/ratio": "far below 1: memorized",
    "nearest_neighbour/copies": "0.01 expected, far above: memorized",
    "fresh_discriminator/js": "lower is better: 0 to 0.693 nats",
    "mode_coverage/modes": "modes that are reached",
    "mode_coverage/high_quality": "share of samples near a mode",
    "mode_coverage/reverse_kl": "lower is better",
    "mode_coverage/spread": "1 at best",
}
_ERRORS = "/standard_error", "/std"  # Shown behind the value that they belong to, after a ±.


def table(results, floor=None):
    """Return metrics as text, a line each, with a hint on how to read them.

    A value whose error is known (`name/std`, `name/standard_error`) has it behind a ±.

    Args:
        results: dict of numbers by name, as `metrics.evaluate` returns it.
        floor: the same for real samples in place of generated ones, or `None`.

    Returns:
        String of one line for the heads and one for each metric.

    Example:

    >>> print(keras_gan.metrics.table({"frechet_distance": 1.5}))
    metric                      generated
    frechet_distance            1.5                         lower is better
    """
    columns = [results] if floor is None else [results, floor]
    lines = [_cells(["metric", "generated", "floor"][: len(columns) + 1])]
    for name in results:
        if not name.endswith(_ERRORS):
            label = name.removesuffix("/mean")
            cells = _cells([label, *(_text(column, name) for column in columns)])
            lines.append(cells + _READING.get(label, ""))
    return "\n".join(line.rstrip() for line in lines)


def _cells(texts):
    return "".join(f"{text:<28}" for text in texts)


def _text(results, name):
    """Return a value as text, with its error behind it where there is one."""
    if name not in results:
        return ""
    keys = [name.split("/")[0] + ending for ending in _ERRORS]
    errors = [results[key] for key in keys if key in results]
    return f"{float(results[name]):.4g}" + "".join(f" ± {error:.2g}" for error in errors)
