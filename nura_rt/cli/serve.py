"""`nura-rt serve`: starts what is missing, brings the tables up to date, and serves until SIGTERM or Ctrl-C."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn
import uvloop

from nura_rt import app
from nura_rt.cli.errors import UsageError
from nura_rt.cli.seed import find_demo, seed
from nura_rt.embedded import stack
from nura_rt.embedded.stack import Addresses
from nura_rt.people.sign_in import DemoPerson
from nura_rt.realtime.doorway import NuraHttp
from nura_rt.realtime.drain import Drain
from nura_rt.realtime.transport import NuraWebSocket
from nura_rt.settings import Settings
from nura_rt.store import migrate

_DATABASE = "nura"
_LOGIN = "nura"
_GRACE_S = 3


class _Server(uvicorn.Server):
    """Stopped by uvicorn, every socket would end at once: the instance drains first, and uvicorn stops after it.

    uvicorn also re-raises a signal when it has stopped; we still have rows to write then.
    """

    def __init__(self, config: uvicorn.Config, ready: str, drain: Drain) -> None:
        super().__init__(config)
        self._ready = ready
        self._drain = drain
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says so only when connections are taken: scripts wait for that line."""
        await super().startup(sockets)
        _spare_the_collector()
        print(self._ready, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second hurries it, a third is uvicorn's own matter."""
        if self.should_exit:
            super().handle_exit(sig, frame)
        elif self._told.is_set():
            self._drain.hurry()
        else:
            self._told.set()

    async def drain_when_told(self) -> None:
        """Runs beside `serve`, and makes it return."""
        await self._told.wait()
        try:
            await self._drain.run()
        finally:
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Until the loop is closed: a signal must not cut short what is still given back after uvicorn."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def serve(settings: Settings) -> None:
    """Blocks until told to stop. Embedded stores live and die with this process."""
    if settings.database_url is None or settings.redis_url is None:
        stack.refuse_second(settings.data_dir)  # before the port: this is the sentence that helps
    listening = _listen(settings)
    with contextlib.ExitStack() as undo:
        undo.callback(listening.close)
        embedded = Addresses(None, None, None)
        if settings.database_url is None or settings.redis_url is None:
            started = stack.start(
                settings.data_dir, database=settings.database_url is None, redis=settings.redis_url is None
            )
            undo.callback(started.stop)
            embedded = started.addresses
        told_early = contextlib.suppress(asyncio.CancelledError)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, told_early:
            runner.run(_serve(settings, embedded, listening))


async def _serve(settings: Settings, embedded: Addresses, listening: socket.socket) -> None:
    database_url = settings.database_url or embedded.database_url
    redis_url = settings.redis_url or embedded.redis_url
    assert database_url is not None
    assert redis_url is not None
    ours = asyncio.current_task()
    assert ours is not None
    # as the first process of a container it would otherwise not hear it at all, and serve until it is killed
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    demo = await _prepare(settings, embedded, database_url)
    async with app.running(settings, database_url=database_url, redis_url=redis_url, demo=demo) as instance:
        server = _Server(_config(settings, instance.litestar), _ready(settings, demo), instance.drain)
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(server.drain_when_told())
            await server.serve(sockets=[listening])
            draining.cancel()
    print("Stopped; everything acknowledged is kept.", file=sys.stderr)


def _spare_the_collector() -> None:
    """What the program itself is made of stays, so no pass need look at it: one over all halts everybody for 0.1 s."""
    gc.collect()
    gc.freeze()


async def _prepare(settings: Settings, embedded: Addresses, database_url: str) -> DemoPerson | None:
    """Our own database is brought up to date; somebody else's is only checked."""
    trying_out = settings.env == "development" and settings.auth_mode == "local"
    if embedded.admin_url is not None:
        await migrate.bootstrap(embedded.admin_url, database=_DATABASE, login=_LOGIN, password=None)
        await migrate.up(database_url)
        return await seed(settings, database_url) if trying_out else None
    steps = await migrate.status(settings.dsns.get("owner", database_url))
    missing = [step.version for step in steps if not step.applied]
    if missing:
        raise UsageError(f"the database lacks migrations {', '.join(missing)}: run `nura-rt migrate up`")
    return await find_demo(settings, database_url) if trying_out else None


def _config(settings: Settings, litestar: object) -> uvicorn.Config:
    limits = settings.limits
    return uvicorn.Config(
        litestar,  # type: ignore[arg-type]
        ws=NuraWebSocket,
        ws_max_size=limits.frame_bytes,
        ws_ping_interval=settings.ping_interval_s,
        ws_ping_timeout=settings.ping_timeout_s,
        ws_per_message_deflate=settings.ws_deflate,
        http=NuraHttp,
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )


def _listen(settings: Settings) -> socket.socket:
    """Bound before anything is started, so that a taken port costs nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"NURA_PORT: {settings.host}:{settings.port} cannot be used ({error.strerror}); "
            "choose another: --port, or NURA_PORT=8001 make run"
        ) from None
    return listening


def _ready(settings: Settings, demo: DemoPerson | None) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    where = f"Nura RT is ready at http://{host}:{settings.port}"
    if demo is None:
        return where
    return f"{where}\n  Development: sign in as {demo.email} with {demo.password}"
