"""TLS before a store that has none: what a client sees is a server with this certificate."""

import asyncio
import ssl

from certificates import Shown
from proxy import Proxy, Target


class TlsProxy(Proxy):
    """A `Proxy` that ends TLS; it can be cut, frozen and stranded as any."""

    def __init__(self, target: Target, shown: Shown) -> None:
        super().__init__(target)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(shown.certificate, shown.key)

    async def __aenter__(self) -> "TlsProxy":
        self.heal()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self
