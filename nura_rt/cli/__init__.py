"""What the command line can do, one file per command; `nura_rt/__main__.py` is the list."""
