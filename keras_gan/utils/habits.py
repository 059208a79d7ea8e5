"""Names that people type out of habit, and what this library calls them.

Errors quote these tables: what a name of the field, of Keras or of another library's GAN stands for
here.
"""

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
    "CycleGAN": {
        **dict.fromkeys(
            ("generator_G", "generator_g", "generator_ab", "G", "gen_G"), "`a_to_b=`, the first"
        ),
        **dict.fromkeys(
            ("generator_F", "generator_f", "generator_ba", "F", "gen_F"), "`b_to_a=`, the second"
        ),
        **dict.fromkeys(("discriminator_X", "discriminator_x", "disc_X"), "`discriminator_a=`"),
        **dict.fromkeys(("discriminator_Y", "discriminator_y", "disc_Y"), "`discriminator_b=`"),
        **dict.fromkeys(
            ("lambda_cycle", "cycle_weight"),
            "`compile(terms=[keras_gan.terms.Cycle(5.0), ...])`, half of the paper's weight",
        ),
        **dict.fromkeys(
            ("lambda_identity", "identity_weight"),
            "`compile(terms=[..., keras_gan.terms.Identity(2.5)])`, half of the paper's weight",
        ),
        "pool_size": "`compile(replay=50)`",
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
        "pool_size": "`replay=`",
        "lambda_cycle": "`terms=[keras_gan.terms.Cycle(lambda_cycle)]`",
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
        "patch_swd": "'patch_sliced_wasserstein'",
        **dict.fromkeys(("mae", "mean_absolute_error"), "'l1'"),
        **dict.fromkeys(("mse", "mean_squared_error"), "'psnr', which is a function of it"),
        "lpips": "`FeatureDistance(features)`, on a network of your own",
        "accuracy": "`compile(balance=True)`, which logs the discriminator's accuracy",
        "acc": "`compile(balance=True)`, which logs the discriminator's accuracy",
    },
    "term": {
        "gp": "'gradient_penalty'",
        "wgan_gp": "'gradient_penalty'",
        "fm": "'feature_matching'",
        "ppl": "'path_length'",
        "clip": "'weight_clipping'",
        **dict.fromkeys(
            ("l1", "mae", "pixel", "pixel_loss"), "'reconstruction', `Reconstruction(100.0)`"
        ),
        **dict.fromkeys(("l2", "mse"), '`keras_gan.terms.Reconstruction(1.0, "l2")`'),
        **dict.fromkeys(
            ("perceptual", "vgg", "lpips"),
            "`keras_gan.terms.Reconstruction(1.0, features=keras_gan.terms.vgg19(layers))`",
        ),
        "tv": "'total_variation'",
        "nce": "`keras_gan.terms.PatchNCE(layers)`",
    },
}
