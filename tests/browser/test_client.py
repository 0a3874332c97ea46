"""client.js without the page: what it says to servers of both minors, and what it hands on, frame by frame."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]
LAB = (Path(__file__).parent / "lab.js").read_text()
FOLLOWING = """
  await lab.start();
  lab.welcome(1);
  lab.client.subscribe('a');
  lab.subscribed('a', 2);
  lab.heard.length = 0;
"""


@pytest.fixture
async def play(open_page: OpenPage) -> Callable[[str], Awaitable[Any]]:
    """Runs a story in the laboratory; returns what it returns."""
    page = await open_page()
    await page.wait_for_selector("#door:visible")  # nobody is signed in: the page has no client of its own
    await page.evaluate(LAB, {"token": "t" * 1500})

    async def playing(story: str) -> Any:
        return await page.evaluate(f"async () => {{ {story} }}")

    return playing


async def test_a_hello_resumes_what_was_followed(play: Callable[[str], Awaitable[Any]]) -> None:
    hello, asked, heard = await play(
        FOLLOWING
        + """
        await lab.break();
        lab.welcome(1);
        lab.subscribed('a', 3);
        lab.message('a', 3);
        return [lab.sent('hello')[0], lab.sent('subscribe'), lab.heard];
        """
    )

    assert hello["resume"] == [{"channel": "conversation:a", "seq": 2}]
    assert asked == []
    assert heard == [["joined", 3], ["message", 3]]


async def test_doubts_are_told_once_and_not_by_everybody_at_once(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    at_once, heard = await play(
        FOLLOWING
        + """
        const doubt = { type: 'gap', channel: 'user:ada', from: 0, to: 0, reason: 'lost' };
        lab.socket.hear(doubt, doubt, doubt);
        const atOnce = lab.heard.length;
        await new Promise((done) => setTimeout(done, 3_500));
        return [atOnce, lab.heard];
        """
    )

    assert at_once == 0
    assert [kind for kind, _ in heard] == ["doubt"]


async def test_whoever_stopped_hears_of_no_doubt(play: Callable[[str], Awaitable[Any]]) -> None:
    heard = await play(
        FOLLOWING
        + """
        lab.socket.hear({ type: 'gap', channel: 'user:ada', from: 0, to: 0, reason: 'lost' });
        lab.client.stop();
        await new Promise((done) => setTimeout(done, 3_500));
        return lab.heard;
        """
    )

    assert heard == []


async def test_an_older_server_is_asked_by_subscribe_even_after_a_newer_one_that_died(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    hello, asked, heard = await play(
        FOLLOWING
        + """
        await lab.break();
        lab.socket.open('nura.v1.1');  // hello, and no welcome
        await lab.break();
        lab.welcome(0);
        lab.subscribed('a', 3);
        lab.message('a', 3);
        return [lab.sent('hello')[0], lab.sent('subscribe'), lab.heard];
        """
    )

    assert "resume" not in hello
    assert [(frame["channel"], frame["since"]) for frame in asked] == [("conversation:a", 2)]
    assert heard == [["joined", 3], ["message", 3]]


async def test_a_hello_stays_within_4_kib_and_the_others_follow(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    said, resumed, asked = await play(
        """
        await lab.start();
        lab.welcome(1);
        const ids = Array.from({length: 60}, () => crypto.randomUUID());
        for (const id of ids) lab.client.subscribe(id);
        for (const id of ids) lab.subscribed(id, 1000);
        await lab.break();
        lab.welcome(1);
        return [lab.socket.said[0].length, lab.sent('hello')[0].resume, lab.sent('subscribe')];
        """
    )

    assert 3900 < said <= 4096
    assert len(resumed) + len(asked) == 60
    assert {frame["since"] for frame in asked} == {1000}


@pytest.mark.parametrize(
    ("frames", "heard"),
    [
        pytest.param(
            [{"type": "gap", "from": 3, "to": 4, "reason": "removed"}, {"type": "message", "seq": 5}],
            [["joined", 5], ["message", 5]],
            id="removed",
        ),
        pytest.param(
            [
                {"type": "message", "seq": 3},
                {"type": "gap", "from": 4, "to": 5, "reason": "trimmed"},
                {"type": "history.trimmed", "seq": 6},
            ],
            [["joined", 5], ["message", 3], ["history.trimmed", 6]],
            id="trimmed",
        ),
        pytest.param(
            [{"type": "message", "seq": 3}, {"type": "gap", "from": 4, "to": 5, "reason": "lost"}],
            [["joined", 5], ["message", 3], ["joined", 5]],
            id="lost",
        ),
        pytest.param(
            [{"type": "gap", "from": 1, "to": 2, "reason": "removed"}, {"type": "message", "seq": 2}],
            [["joined", 5]],
            id="known",
        ),
    ],
)
async def test_a_gap_keeps_its_place_in_a_replay(
    play: Callable[[str], Awaitable[Any]], frames: list[dict[str, Any]], heard: list[Any]
) -> None:
    for frame in frames:
        frame |= {"channel": "conversation:a", "conversation_id": "a"}

    found, asked = await play(
        f"""
        {FOLLOWING}
        await lab.break();
        lab.welcome(1);
        lab.subscribed('a', 5);
        lab.socket.hear(...{frames});
        return [lab.heard, lab.sent('subscribe')];
        """
    )

    assert found == heard
    assert asked == []


async def test_a_hole_is_asked_for_before_what_stands_behind_it(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    before, asked, after = await play(
        FOLLOWING
        + """
        lab.message('a', 4);
        const before = [...lab.heard];
        lab.message('a', 5);
        lab.subscribed('a', 5);
        for (const seq of [3, 4, 5]) lab.message('a', seq);
        return [before, lab.sent('subscribe').map((frame) => frame.since), lab.heard];
        """
    )

    assert before == []
    assert asked == [None, 2]
    assert after == [["joined", 5], ["message", 3], ["message", 4], ["message", 5]]


async def test_heads_that_are_ahead_bring_the_rest(play: Callable[[str], Awaitable[Any]]) -> None:
    asked = await play(
        FOLLOWING
        + """
        for (const head of [2, 3, 3]) lab.socket.hear({type: 'heartbeat', heads: {'conversation:a': head}});
        return lab.sent('subscribe').map((frame) => frame.since);
        """
    )

    assert asked == [None, 2]


async def test_trimming_is_heard_once_by_those_who_follow(play: Callable[[str], Awaitable[Any]]) -> None:
    heard, asked = await play(
        FOLLOWING
        + """
        const trimmed = {type: 'history.trimmed', conversation_id: 'a', seq: 3, before_seq: 2};
        lab.socket.hear(trimmed, trimmed, {...trimmed, conversation_id: 'another', seq: 9});
        return [lab.heard, lab.sent('subscribe').length];
        """
    )

    assert heard == [["history.trimmed", 3], ["history.trimmed", 9]]
    assert asked == 1


async def test_an_older_server_is_spared_what_it_does_not_know_and_the_newer_one_hears_it(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    said, older, newer = await play(
        """
        await lab.start();
        lab.client.ackNotice('support-1');  // not online yet
        lab.welcome(0);
        lab.client.ackNotice('support-2');
        const said = [lab.client.read('a', 1), lab.client.typing('a', true)];
        const older = lab.sent().map((frame) => frame.type);
        await lab.break();
        lab.welcome(1);
        return [said, older, lab.sent('notice.ack').map((frame) => frame.notice_id)];
        """
    )

    assert said == [False, False]
    assert older == ["hello"]
    assert newer == ["support-1", "support-2"]


async def test_what_was_given_up_while_it_was_resumed_is_left(play: Callable[[str], Awaitable[Any]]) -> None:
    left, heard = await play(
        FOLLOWING
        + """
        await lab.break();
        lab.socket.open('nura.v1.1');
        lab.client.unsubscribe('a');  // the hello is on its way
        lab.socket.hear({type: 'welcome', heartbeat_s: 20, protocol: {major: 1, minor: 1}});
        lab.subscribed('a', 3);
        lab.message('a', 3);
        return [lab.sent('unsubscribe').map((frame) => frame.channel), lab.heard];
        """
    )

    assert left == ["conversation:a"]
    assert heard == []


async def test_a_server_that_stops_is_not_asked_before_it_wants_to_be(
    play: Callable[[str], Awaitable[Any]],
) -> None:
    states, opened_after_ms = await play(
        """
        await lab.start();
        lab.welcome(1);
        const first = lab.socket;
        first.hear({type: 'draining', reconnect_after_ms: 700});
        const states = [lab.client.state];
        const began = performance.now();
        first.onclose({code: 4000});
        states.push(lab.client.state);
        while (lab.socket === first) await new Promise((done) => setTimeout(done, 5));
        return [states, performance.now() - began];
        """
    )

    assert states == ["online", "reconnecting"]
    assert opened_after_ms > 600
