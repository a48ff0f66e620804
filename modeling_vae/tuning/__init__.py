"""Fitting a face to photos: its latent, and the decoder around it."""
