"""A dense VAE of black and white images as Keras has it, on whatever backend is set."""

from typing import Any


def keras_vae(n_features: int, n_components: int, sizes: tuple[int, ...], *, binarize: bool = False) -> Any:
    """A subclassed model with ``add_loss``; with ``binarize`` rows are drawn anew from their greys at every step."""
    import keras

    def dense(widths: Any, last: int) -> Any:
        return keras.Sequential([*(keras.layers.Dense(width, "relu") for width in widths), keras.layers.Dense(last)])

    class VAE(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = dense(sizes, 2 * n_components), dense(sizes[::-1], n_features)
            self.seeds = keras.random.SeedGenerator(0)

        def call(self, x: Any) -> Any:
            if binarize:
                x = keras.ops.cast(keras.random.uniform(keras.ops.shape(x), seed=self.seeds) < x, "float32")
            mean, log_variance = keras.ops.split(self.encoder(x), 2, axis=-1)
            noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
            logit = self.decoder(mean + keras.ops.exp(0.5 * log_variance) * noise)
            kl = 0.5 * (keras.ops.square(mean) + keras.ops.exp(log_variance) - 1 - log_variance)
            error = keras.ops.softplus(logit) - x * logit
            self.add_loss(keras.ops.mean(keras.ops.sum(kl, -1) + keras.ops.sum(error, -1)))
            return logit

    return VAE()
