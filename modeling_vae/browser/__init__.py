"""Drawing faces in the browser: what a page needs for it, and which models it can be done with.

`kernel.c` is the arithmetic, compiled to WebAssembly by `compile_kernel`; the scripts beside it do the rest.
"""
