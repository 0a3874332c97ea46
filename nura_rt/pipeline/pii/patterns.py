"""Parts that the rules' regexes are built of."""


def any_of(words: str) -> str:
    """A group of `words`, which are regexes between spaces; longer ones are tried first."""
    return f"(?:{'|'.join(sorted(words.split(), key=len, reverse=True))})"
