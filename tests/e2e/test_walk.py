"""The first walk: one conversation through the whole stack, over real sockets."""

from peers import peer
from servers import Instance


async def test_a_message_is_acknowledged_told_and_answered(instance: Instance) -> None:
    async with peer(instance, "walker") as walker:
        conversation = await walker.open_conversation(title="A walk")
        await walker.join(conversation)

        accepted = await walker.send(conversation, "I had a long day and I feel worn out")

        told = await walker.hear("message", message_id=accepted["message_id"])
        await walker.hear("reply.started", reply_to=accepted["message_id"])
        reply = await walker.hear("message", reply_to=accepted["message_id"])
        ended = await walker.hear("reply.ended", message_id=reply["message_id"])
    deltas = [frame["text"] for frame in walker.heard if frame["type"] == "reply.delta"]
    assert (accepted["seq"], told["seq"], reply["seq"]) == (1, 1, 2)
    assert "".join(deltas) == reply["text"]
    assert ended["reason"] == "completed"


async def test_words_that_worry_us_bring_help_before_the_reply(instance: Instance) -> None:
    async with peer(instance, "worried") as walker, peer(instance, "worried") as second_device:
        conversation = await walker.open_conversation()
        await walker.join(conversation)

        accepted = await walker.send(conversation, "I want to end my life tonight")

        support = await second_device.hear("support", conversation_id=conversation)
        await walker.hear("reply.ended")
    kinds = [frame["type"] for frame in walker.heard]
    assert kinds.index("accepted") < kinds.index("support") < kinds.index("reply.started")
    assert support["notice_id"] == f"support-{accepted['message_id']}"
    assert support["level"] in ("high", "critical")
    assert any(resource.get("call") for resource in support["resources"])


async def test_a_title_is_a_persons_words_too(instance: Instance) -> None:
    async with peer(instance, "titled") as walker:
        conversation = await walker.open_conversation(title="I want to kill myself tonight")

        support = next(frame for frame in walker.heard if frame["type"] == "support")

    assert support["conversation_id"] == conversation
