"""Figures of a model: fidelity, distances between sets of pictures, sheets to look at."""
