"""The latent space of a model in figures, plots and sheets."""
