"""The thin edge for the shell: read the command line, call the core, show the answer. Importing this loads nothing."""
