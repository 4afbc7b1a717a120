"""The thin edge for HTTP: decode, call the core, encode. Importing this imports nothing else."""
