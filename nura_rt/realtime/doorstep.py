"""Who may knock: handshakes of one address, and sockets that have not said who they are. One instance, bounded memory.

An attacker with more than 10,000 networks makes us forget how fast each was; the bounds on strangers still hold.
"""

from ipaddress import IPv6Address, ip_address
from types import TracebackType

from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.rate import Buckets

_NETWORK_BITS = 64  # an IPv6 customer has at least a /64, and may use every address in it
_COME_BACK_MS = 1000


class Doorstep:
    """By default at most 1,000 strangers in all and 50 of one address: ten times the burst, and half of it."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        """So many handshakes a second and at once, for each address."""
        self._knocks = Buckets(per_s=per_s, burst=burst)
        self._at_most = 10 * burst
        self._of_one_at_most = max(1, burst // 2)
        self._strangers: dict[str, int] = {}
        self._count = 0

    def enter(self, address: str, now: float) -> "Visit":
        """A stranger who may come in. Raises Refusal: 429 for the address, 503 for everybody.

        An `address` that is none (a unix socket's) has no limit of its own.
        """
        if self._count >= self._at_most:
            raise Refusal(503, "busy", "too many are at the door", retry_after_ms=_COME_BACK_MS)
        network = _network_of(address)
        if network is not None:
            if self._strangers.get(network, 0) >= self._of_one_at_most:
                raise _too_fast(_COME_BACK_MS)
            if wait_s := self._knocks.take(network, now):
                raise _too_fast(int(wait_s * 1000) + 1)
            self._strangers[network] = self._strangers.get(network, 0) + 1
        self._count += 1
        return Visit(self, network)

    def forget(self, network: str | None) -> None:
        """One stranger less; called by its visit."""
        self._count -= 1
        if network is not None:
            self._strangers[network] -= 1
            if not self._strangers[network]:
                del self._strangers[network]


class Visit:
    """A stranger, until `over`: it said who it is, or it is gone. Leaving the `with` is over, too."""

    __slots__ = ("_doorstep", "_network")

    def __init__(self, doorstep: Doorstep, network: str | None) -> None:
        self._doorstep: Doorstep | None = doorstep
        self._network = network

    def over(self) -> None:
        """No stranger any more; more than once is once."""
        doorstep, self._doorstep = self._doorstep, None
        if doorstep is not None:
            doorstep.forget(self._network)

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.over()


def _network_of(address: str) -> str | None:
    """The address, for IPv6 its /64; None for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}"
    return address


def _too_fast(retry_after_ms: int) -> Refusal:
    return Refusal(429, "too-fast", "too many connections from this address", retry_after_ms=retry_after_ms)
