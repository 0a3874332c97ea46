"""When a socket's token runs out: told in time, heard out a little longer, then hung up. Pure; epoch seconds."""

import msgspec


class ExpiryRule(msgspec.Struct, frozen=True):
    """Seconds: told `warn_s` before the token expires (give or take `jitter_s`), closed `grace_s` after it."""

    warn_s: float = 120
    jitter_s: float = 5
    grace_s: float = 30
    refresh_every_s: float = 10  # one new token may be verified this often


class Expiry:
    """One token's end. `jitter_s` keeps clients that came together from refreshing together."""

    def __init__(self, rule: ExpiryRule, expires_at: float, *, jitter_s: float) -> None:
        self._rule = rule
        self._jitter_s = jitter_s
        self.renew(expires_at)

    def renew(self, expires_at: float) -> None:
        """A new token counts: it will be told of anew."""
        self.expires_at = expires_at
        self._told = False

    @property
    def next_at(self) -> float:
        """When something is due."""
        if self._told:
            return self.expires_at + self._rule.grace_s
        return self.expires_at - self._rule.warn_s + self._jitter_s

    def is_over(self, now: float) -> bool:
        """Nothing newer came: hang up."""
        return now >= self.expires_at + self._rule.grace_s

    def must_tell(self, now: float) -> bool:
        """True once for each token, when it is soon over."""
        if self._told or now < self.next_at:
            return False
        self._told = True
        return True
