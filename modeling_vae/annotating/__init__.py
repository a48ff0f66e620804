"""Annotating pictures by keys: one at a time, into a column of a table beside them."""
