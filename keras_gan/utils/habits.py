"""Names that people type out of habit, and what this library calls them.

Errors quote these tables: what a name of the field, of Keras or of another library's GAN stands for
here.
"""

# Keyword arguments that several calls are given.
_WEIGHT = dict.fromkeys(
    ("gp_weight", "lambda_gp", "lambda_", "coefficient", "gamma", "penalty_weight"), "`weight=`"
)
_GAMMA = dict.fromkeys(
    ("weight", "gp_weight", "r1_weight", "r1_gamma", "lambda_", "coefficient"), "`gamma=`"
)
_LAZY = dict.fromkeys(("every", "d_reg_interval", "reg_interval", "lazy"), "`interval=`")
_LATENTS = dict.fromkeys(("noise_dim", "z_dim", "nz", "latent_size"), "`latent_dim=`")
_NETWORKS = {
    **_LATENTS,
    **dict.fromkeys(
        ("spectral_normalization", "spectral_normalisation", "use_spectral_norm", "sn"),
        "`spectral_norm=`",
    ),
    **dict.fromkeys(("classes", "n_classes"), "`num_classes=`"),
}
_LOGISTIC = {
    "smoothing": "`label_smoothing=`",
    "real_label": "`label_smoothing=1 - real_label`",
    "from_logits": "nothing in its place: a loss takes logits",
}
_NO_LABELS = (
    "nothing in its place: subfolders are classes. For images alone, "
    "`keras_gan.datasets.map(dataset, lambda x, label: x)`"
)

# Keyword arguments, by what is called.
KEYWORDS = {
    "GAN": {
        "latent_dim": "`latents=keras_gan.latents.Normal(latent_dim)`, or leave it out: it is read "
        "off the generator's input",
        "noise_dim": "`latents=keras_gan.latents.Normal(noise_dim)`, or leave it out: it is read "
        "off the generator's input",
        "discriminator_extra_steps": "`compile(discriminator_steps=...)`",
        "gp_weight": "`compile(terms=[keras_gan.terms.GradientPenalty(gp_weight)])`",
    },
    "GAN.compile": {
        "optimizer": "`generator_optimizer=` and `discriminator_optimizer=`: each player has its "
        "own",
        "optimizers": "`generator_optimizer=` and `discriminator_optimizer=`",
        "d_optimizer": "`discriminator_optimizer=`",
        "g_optimizer": "`generator_optimizer=`",
        "disc_optimizer": "`discriminator_optimizer=`",
        "gen_optimizer": "`generator_optimizer=`",
        "loss_fn": "`loss=`, with one of `keras_gan.losses`",
        **dict.fromkeys(
            (
                "d_loss",
                "g_loss",
                "d_loss_fn",
                "g_loss_fn",
                "discriminator_loss",
                "generator_loss",
                "discriminator_loss_fn",
                "generator_loss_fn",
                "critic_loss",
            ),
            "`loss=`, which says what both players minimize",
        ),
        "loss_weights": "`terms=[...]`, each with a weight of its own",
        "weighted_metrics": "`metrics=`",
        "n_critic": "`discriminator_steps=`",
        "d_steps": "`discriminator_steps=`",
        "critic_steps": "`discriminator_steps=`",
        "discriminator_extra_steps": "`discriminator_steps=`",
        **dict.fromkeys(
            ("generator_steps", "g_steps"),
            "nothing in its place: there is one update of the generator to a step, and "
            "`discriminator_steps=` of the discriminator",
        ),
        "gp_weight": "`terms=[keras_gan.terms.GradientPenalty(gp_weight)]`",
        "gradient_penalty": "`terms=[keras_gan.terms.GradientPenalty(gradient_penalty)]`",
        "latent_dim": "`GAN(generator, discriminator)`, which reads it off the generator's input",
    },
    "GAN.fit": {
        "nb_epoch": "`epochs=`",
        "data": "the dataset first, `fit(dataset)`",
        "dataset": "the dataset first, `fit(dataset)`",
        "steps": "`steps_per_epoch=`",
        "labels": "`y=`",
        "condition": "`y=`",
        "latent_dim": "`GAN(generator, discriminator)`, which reads it off the generator's input",
    },
    "GAN.evaluate": {
        "metrics": "`compile(metrics=...)`, or `keras_gan.metrics.evaluate(...)`",
        "condition": "`y=`",
        "labels": "`y=`",
    },
    "GAN.generate": {
        "labels": "`condition=`",
        "label": "`condition=`",
        "class_id": "`condition=`",
        "num_samples": "the number first, `generate(16)`",
        "noise": "`predict(noise)`",
        "latents": "`predict(latents)`",
        "z": "`predict(z)`",
        "truncation_psi": "`truncation=`",
    },
    "GAN.export": {
        "verbose": "nothing in its place: what was written is the call's result",
        "input_signature": "nothing in its place: the signatures follow from the networks",
        "save_format": "`format=`",
    },
    "Adaptive": {
        "target_accuracy": "`target=2 * target_accuracy - 1`, a mean of signs",
        "integration_steps": "`images=`, in real samples rather than steps",
        "p": "`initial=`",
    },
    "InstanceNoise": dict.fromkeys(("stddev", "std", "noise"), "`sigma=`"),
    "SampleGrid": {
        **dict.fromkeys(
            ("num_img", "num_images", "num_samples", "n_samples", "n", "examples"), "`samples=`"
        ),
        **dict.fromkeys(("frequency", "period", "save_freq", "interval"), "`every=`"),
        **dict.fromkeys(("path", "log_dir", "output_dir", "save_dir", "folder"), "`directory=`"),
        **dict.fromkeys(("labels", "y"), "`condition=`"),
        "latent_dim": "nothing in its place: the model knows its latents",
    },
    "Backup": {"backup_dir": "`directory=`", "save_freq": "`every_steps=`"},
    "NonSaturating": _LOGISTIC,
    "Minimax": _LOGISTIC,
    "LeastSquares": {"label_smoothing": "`real_label=1 - label_smoothing`"},
    "R1": {**_GAMMA, **_LAZY},
    "R2": {**_GAMMA, **_LAZY},
    "GradientPenalty": {**_WEIGHT, **_LAZY, "center": "`target=`"},
    "DRAGAN": {**_WEIGHT, **_LAZY},
    "WeightClipping": dict.fromkeys(("clip_value", "clip", "c", "weight"), "`bound=`"),
    "Normal": dict.fromkeys(("latent_dim", "dim", "shape"), "`size=`"),
    "networks.dcgan": {
        **_NETWORKS,
        **dict.fromkeys(("img_shape", "input_shape", "sample_shape"), "`image_shape=`"),
        **dict.fromkeys(("batch_norm", "use_batch_norm", "use_bn"), "`batch_normalization=`"),
        **dict.fromkeys(("filters", "channels", "ngf", "ndf"), "`width=`"),
    },
    "networks.mlp": {
        **_NETWORKS,
        **dict.fromkeys(("input_shape", "data_dim", "input_dim"), "`sample_shape=`"),
        **dict.fromkeys(("units", "hidden_units", "hidden_dim"), "`width=`"),
        **dict.fromkeys(("layers", "num_layers", "n_layers"), "`depth=`"),
        "activation": "`output_activation=`",
    },
    "datasets.from_arrays": {
        **dict.fromkeys(("y", "labels", "label"), "`condition=`"),
        **dict.fromkeys(("data", "images"), "the samples first, `from_arrays(x)`"),
    },
    "datasets.load": {
        **dict.fromkeys(("dataset", "dataset_name"), "the name first, `load('mnist')`"),
        **dict.fromkeys(("size", "img_size", "image_shape", "resize"), "`image_size=`"),
        "download": "nothing in its place: nothing is downloaded",
    },
    "datasets.from_folder": {
        "label_mode": _NO_LABELS,
        "labels": _NO_LABELS,
        "color_mode": "`channels=`",
        "directory": "`path=`",
    },
}

# Names of losses, metrics and terms, in lower case with underscores.
NAMES = {
    "loss": {
        "binary_crossentropy": "'non_saturating', which is the cross-entropy of a GAN, on logits",
        "bce": "'non_saturating', which is the cross-entropy of a GAN, on logits",
        **dict.fromkeys(
            ("vanilla", "vanilla_gan", "gan"),
            "'non_saturating', or 'minimax' for the first equation of the paper",
        ),
        **dict.fromkeys(("modified", "logistic", "ns", "nsgan"), "'non_saturating'"),
        "wgan": "'wasserstein', with `terms=[\"gradient_penalty\"]`",
        "wgan_gp": "'wasserstein', with `terms=[\"gradient_penalty\"]`",
        "wgan_div": "'wasserstein', with a term on the gradients",
        "wasserstein_hinge": "'hinge'",
        "hinge_loss": "'hinge'",
        "lsgan": "'least_squares'",
        "mse": "'least_squares'",
        "mean_squared_error": "'least_squares'",
        "ragan": "'relativistic_average'",
        "rpgan": "'relativistic_pairing'",
    },
    "metric": {
        "fid": "'frechet_distance'",
        "kid": "'kernel_distance'",
        "is": "'inception_score'",
        "prdc": "'precision_recall' and 'density_coverage'",
        "ms_ssim": "'multi_scale_ssim'",
        "swd": "'sliced_wasserstein'",
        "accuracy": "`compile(balance=True)`, which logs the discriminator's accuracy",
        "acc": "`compile(balance=True)`, which logs the discriminator's accuracy",
    },
    "term": {
        "gp": "'gradient_penalty'",
        "wgan_gp": "'gradient_penalty'",
        "fm": "'feature_matching'",
        "ppl": "'path_length'",
        "clip": "'weight_clipping'",
    },
}
