"""How a command says no."""


class UsageError(Exception):
    """A sentence for the person at the keyboard; the command exits with 2."""
