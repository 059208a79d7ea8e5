"""StyleGAN2's networks in NumPy, written from the papers, on the weights of Keras's networks."""

import itertools

import numpy as np

TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8


def weights(network, name):
    """Return the weights of a layer by their names, in double precision."""
    layer = network.get_layer(name)
    return {weight.path.split(f"{name}/")[-1]: np.float64(weight) for weight in layer.weights}


def activated(x):
    return np.where(x > 0, x, 0.2 * x) * np.sqrt(2)


def normalized(x):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-8)


def dense(x, network, name, m=1.0):
    found = weights(network, name)
    kernel = found["kernel"]
    return x @ kernel * (m / np.sqrt(len(kernel))) + m * found["bias"]


def correlated(x, kernel, strides=1, margin=0):
    """Return one image correlated with a kernel of (height, width, inputs, outputs)."""
    x = np.pad(x, [[margin] * 2, [margin] * 2, [0, 0]])
    rows, columns = ((x.shape[i] - kernel.shape[i]) // strides + 1 for i in (0, 1))
    y = np.zeros((rows, columns, kernel.shape[-1]))
    for a, b in np.ndindex(kernel.shape[:2]):
        window = x[a : a + strides * (rows - 1) + 1, b : b + strides * (columns - 1) + 1]
        y += window[::strides, ::strides] @ kernel[a, b]
    return y


def filtered(x, margins, gain=1.0):
    """Return one image blurred by [1, 3, 3, 1] in rows and columns."""
    x = np.pad(x, [margins, margins, [0, 0]])
    rows, columns = x.shape[0] - 3, x.shape[1] - 3
    places = itertools.product(range(4), repeat=2)
    return gain * sum(TAPS[a] * TAPS[b] * x[a : a + rows, b : b + columns] for a, b in places)


def enlarged(x):
    """Return one image of twice the sides."""
    spread = np.zeros((2 * x.shape[0], 2 * x.shape[1], x.shape[2]))
    spread[::2, ::2] = x
    return filtered(spread, (2, 1), gain=4)


def mapped(network, depth, z=None, one_hot=None):
    """Return what a mapping network of so many layers makes of latents, a label or both."""
    parts = [] if z is None else [normalized(z)]
    if one_hot is not None:
        parts.append(normalized(dense(one_hot, network, "condition_embedding")))
    x = np.concatenate(parts, axis=-1)
    for i in range(1, depth + 1):
        x = activated(dense(x, network, f"dense_{i}", 0.01))
    return x


def modulated(x, style, network, name, upsampling=False, demodulate=True):
    """Return one image convolved by the kernel that its style scales."""
    found = weights(network, name)
    affine = found["affine/kernel"]
    scales = style @ affine / np.sqrt(len(affine)) + found["affine/bias"]
    kernel = found["kernel"]
    if demodulate:
        kernel = kernel * scales[:, None]
        kernel = kernel / np.sqrt(np.sum(kernel**2, axis=(0, 1, 2)) + 1e-8)
    else:
        kernel = kernel * scales[:, None] / np.sqrt(kernel.shape[2])
    if not upsampling:
        return correlated(x, kernel, margin=len(kernel) // 2) + found["bias"]
    spread = np.zeros((2 * x.shape[0] + 3, 2 * x.shape[1] + 3, x.shape[2]))
    spread[2:-2:2, 2:-2:2] = x
    # A transposed convolution: every pixel puts down the kernel as it is.
    return filtered(correlated(spread, kernel[::-1, ::-1]), (1, 1), gain=4) + found["bias"]


def drawn(network, styles, sides, noise=None):
    """Return one image that the styles of all layers draw."""
    x, image, place = weights(network, "constant")["constant"], None, 0
    for side in sides:
        for layer in [f"{side}"] if side == 4 else [f"{side}_up", f"{side}"]:
            up = layer.endswith("up")
            x = modulated(x, styles[place], network, f"{layer}_conv", upsampling=up)
            found = weights(network, f"{layer}_noise")
            if noise is None:
                own = found["fixed"]
            else:
                own, noise = np.split(noise, [side * side])
            x = activated(x + found["strength"] * own.reshape(side, side, 1))
            place += 1
        colors = modulated(x, styles[place], network, f"{side}_colors", demodulate=False)
        image = colors if image is None else enlarged(image) + colors
    return image


def convolved(x, network, name, strides=1, margin=0):
    found = weights(network, name)
    kernel = found["kernel"] / np.sqrt(np.prod(found["kernel"].shape[:3]))
    return correlated(x, kernel, strides, margin) + found.get("bias", 0.0)


def judged(network, images, sides, residual=True, label=None):
    """Return the logits of one group of images."""
    features = []
    for image in images:
        x = activated(convolved(image, network, "from_image"))
        for side in sides[:0:-1]:
            shortcut = x
            x = activated(convolved(x, network, f"{side}_conv_1", margin=1))
            x = activated(convolved(filtered(x, (2, 2)), network, f"{side}_conv_2", strides=2))
            if residual:
                halved = filtered(shortcut, (1, 1))[::2, ::2]
                x = (x + convolved(halved, network, f"{side}_shortcut")) / np.sqrt(2)
        features.append(x)
    spread = np.mean(np.sqrt(np.var(features, axis=0) + 1e-8))
    vectors = []
    for x in features:
        x = np.concatenate([x, np.full((*x.shape[:2], 1), spread)], axis=-1)
        x = activated(convolved(x, network, "4_conv", margin=1))
        vectors.append(activated(dense(np.ravel(x), network, "dense")))
    if label is None:
        return dense(np.stack(vectors), network, "logits")
    products = dense(np.stack(vectors), network, "features") * label
    return np.sum(products, axis=1, keepdims=True) / np.sqrt(label.shape[1])
