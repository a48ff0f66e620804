"""One tab of the page a file: widgets and wires, no model code."""
