"""The development mailbox, and having none: whole files for their owner alone; a failure names nobody."""

import asyncio
import logging
import stat
from pathlib import Path

import pytest

from letters import letters_to, text_of
from nura_rt import settings as settings_module
from nura_rt.notify.mailbox import Mailbox, delivery
from nura_rt.notify.port import Delivery, DeliveryFailed, Letter, Nowhere, send_quietly


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


LETTER = Letter("test", "anna@b.example", "A subject", "Words\nand an accent: \u00e9\n")


async def test_a_letter_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    await Mailbox(tmp_path / "mailbox").send(LETTER)

    (path,) = (tmp_path / "mailbox").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.name.endswith(".eml")
    assert "-test-" in path.name
    letter = letters_to(tmp_path, "anna@b.example")[0]
    assert (letter["Subject"], text_of(letter)) == ("A subject", LETTER.text)


async def test_a_reader_never_meets_half_a_letter(tmp_path: Path) -> None:
    mailbox, done = Mailbox(tmp_path / "mailbox"), asyncio.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.extend(len(text_of(letter)) for letter in letters_to(tmp_path, "anna@b.example"))

    reader = asyncio.create_task(asyncio.to_thread(read))
    for _ in range(100):
        await mailbox.send(LETTER)
    done.set()
    await reader

    assert set(seen) <= {len(LETTER.text)}


async def test_the_newest_thousand_are_kept(tmp_path: Path) -> None:
    for number in range(1_003):
        (tmp_path / f"20200101T{number:06d}-old-x.eml").touch()

    await Mailbox(tmp_path).send(LETTER)

    names = files(tmp_path)
    assert len(names) == 1_000
    assert "-test-" in names[-1]


@pytest.mark.parametrize("to", ["a@b.example\nBcc: c@b.example", "a@b.example\r\n\r\nwords"])
async def test_a_head_cannot_be_added_to_a_letter(tmp_path: Path, to: str) -> None:
    with pytest.raises(DeliveryFailed):
        await Mailbox(tmp_path).send(Letter("test", to, "A subject", "Words"))

    assert files(tmp_path) == []


async def test_a_folder_out_of_reach_is_a_failure_without_an_address(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("a file")

    with pytest.raises(DeliveryFailed) as caught:
        await Mailbox(tmp_path / "mailbox").send(LETTER)

    assert "anna" not in str(caught.value)


async def test_nowhere_says_once_that_nothing_goes_out(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Nowhere()

    for _ in range(3):
        with pytest.raises(DeliveryFailed):
            await nowhere.send(LETTER)

    ours = [record for record in caplog.records if record.name == Nowhere.__module__]
    assert [record.levelno for record in ours] == [logging.WARNING]
    assert "anna" not in caplog.text


class Telltale:
    """An adapter whose error holds what it should not."""

    def carries(self, means: str) -> bool:
        return True

    async def send(self, letter: Letter) -> None:
        raise RuntimeError(f"no such mailbox: {letter.to}")


@pytest.mark.parametrize("broken", [Nowhere(), Telltale()])
async def test_a_letter_that_fails_quietly_leaves_no_address_in_the_log(
    broken: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    await send_quietly(broken, LETTER)

    assert "a letter was not delivered: test" in caplog.text
    assert "anna" not in caplog.text


def test_development_has_a_mailbox_and_production_says_that_it_has_nothing(tmp_path: Path) -> None:
    development = settings_module.load({"NURA_DATA_DIR": str(tmp_path)}, dotenv=None)
    production = settings_module.load(
        {
            "NURA_ENV": "production",
            "SUPABASE_DATABASE_URL": "postgresql://nura@/nura?host=/run/postgresql",
            "REDIS_URL": "unix:///run/redis.sock",
            "SUPABASE_JWT_SECRET": "q8Zr1Lw5Xv0Tn7Kc3Hd9Bm2Fs6Gp4Jy0",
            "NURA_KEK": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        },
        dotenv=None,
    )

    assert delivery(development).carries("email")
    assert not delivery(production).carries("email")
    assert not delivery(production).carries("sms")
