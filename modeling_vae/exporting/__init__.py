"""A published model in the formats of others."""
