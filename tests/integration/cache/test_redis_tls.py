"""rediss:// is verified unless its owner says otherwise: the certificate by its maker, then its name."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from nura_rt.cache import client
from nura_rt.embedded.stack import Addresses
from proxy import redis_socket


def certificate(
    folder: Path, name: str, address: str, maker: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    """Writes `name`.pem (and its key) for `address`, signed by `maker` or itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, signer = maker or (subject, key)
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=maker is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.pem").write_bytes(built.public_bytes(pem) + secret)
    return subject, key


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    ours = certificate(folder, "ca", "127.0.0.9")
    certificate(folder, "good", "127.0.0.1", ours)
    certificate(folder, "named-otherwise", "127.0.0.2", ours)
    certificate(folder, "strange", "127.0.0.1", certificate(folder, "strange-ca", "127.0.0.9"))
    return folder


@pytest.fixture
async def port(stores: Addresses, papers: Path, paper: str) -> AsyncIterator[int]:
    """A Valkey that speaks TLS with the certificate `paper`."""
    assert stores.redis_url is not None
    path = redis_socket(stores.redis_url)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(papers / f"{paper}.pem")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(path))
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ping(url: str) -> bool:
    redis: Redis = client.for_commands(url)
    try:
        return bool(await redis.ping())
    finally:
        await redis.aclose()


@pytest.mark.parametrize("paper", ["good"])
async def test_a_server_of_a_known_maker_and_the_right_name_is_believed(port: int, papers: Path) -> None:
    assert await ping(f"rediss://127.0.0.1:{port}/9?ssl_ca_certs={papers}/ca.pem")


@pytest.mark.parametrize("paper", ["strange", "named-otherwise"])
async def test_a_server_of_another_maker_or_name_is_refused(port: int, papers: Path) -> None:
    with pytest.raises(RedisConnectionError):
        await ping(f"rediss://127.0.0.1:{port}/9?ssl_ca_certs={papers}/ca.pem")


@pytest.mark.parametrize("paper", ["good"])
async def test_a_maker_the_machine_does_not_know_is_refused(port: int) -> None:
    with pytest.raises(RedisConnectionError):
        await ping(f"rediss://127.0.0.1:{port}/9")
