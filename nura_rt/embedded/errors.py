"""What can go wrong with the embedded stores; every message is a sentence a person can act on."""


class StackError(Exception):
    """An embedded store cannot be used; the message says which, why and what to do."""


class StackBusy(StackError):
    """Another process serves this data already; the message names its pid."""
