"""Probes: small networks that learn from pixels to see the annotated attributes, and what the labels say of them."""
