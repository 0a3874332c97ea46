"""A password is changed or chosen anew. Whoever had the old one is signed out, and what they had asked for is void."""

import logging
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from nura_rt.notify import letters
from nura_rt.notify.port import send_quietly
from nura_rt.people.forms import ChangePassword, ForgotPassword, ResetPassword, check_new_password, email_of
from nura_rt.people.local import TOKEN_NEEDED, Local
from nura_rt.protocol.problem import Refusal
from nura_rt.store import accounts, sessions, users, verifications
from nura_rt.store.pool import Executor
from nura_rt.store.verifications import Proved

_log = logging.getLogger(__name__)


class _Done(msgspec.Struct, frozen=True):
    """A reset: who proved which address, who had it before, and whether a number was forgotten."""

    proved: Proved
    moved: list[str]
    number_removed: bool


def password_routes(local: Local) -> list[HTTPRouteHandler]:
    """POST forgot-password, reset-password and change-password."""
    return [*_forgotten_routes(local), *_change_routes(local)]


def _forgotten_routes(local: Local) -> list[HTTPRouteHandler]:
    @post(
        "/v1/auth/forgot-password",
        status_code=202,
        summary="Ask for a link to choose a new password",
    )
    async def forgot_password(
        request: Request[Any, Any, Any], data: JSONBody[ForgotPassword]
    ) -> Response[None]:
        place = local.place(request)
        local.limits.by_address.take(place)
        local.require_delivery("email")
        email = email_of(data.email)
        local.limits.letters.take(f"{place} {email}")
        # looked up after the answer is out: until then known and unknown are one path
        return Response(None, status_code=202, background=BackgroundTask(_send_reset, local, email))

    @post(
        "/v1/auth/reset-password",
        status_code=204,
        summary="Choose a new password",
    )
    async def reset_password(
        request: Request[Any, Any, Any], data: JSONBody[ResetPassword]
    ) -> Response[None]:
        local.limits.by_address.take(local.place(request))
        check_new_password(data.password)
        if await local.proofs.peek(data.token, "password") is None:  # no bcrypt for a link that is not one
            raise bad_link()
        done = await _reset(local, data.token, await local.hash(data.password))
        for person_id in (done.proved.user_id, *done.moved):
            await local.changed(person_id)
        await local.sessions.ask()  # this instance closes its sockets now, the others within a second
        letter = letters.password_reset(
            done.proved.target, public_url=local.public_url, number_removed=done.number_removed
        )
        return Response(
            None, status_code=204, background=BackgroundTask(send_quietly, local.delivery, letter)
        )

    return [forgot_password, reset_password]


def _change_routes(local: Local) -> list[HTTPRouteHandler]:
    @post(
        "/v1/auth/change-password",
        status_code=204,
        summary="Change the password",
        security=TOKEN_NEEDED,
        opt={"refusals": (403, 404)},
    )
    async def change_password(
        request: Request[Any, Any, Any], data: JSONBody[ChangePassword]
    ) -> Response[None]:
        identity = await local.identity(request)
        check_new_password(data.new_password, field="new_password")
        account = await local.prove(identity, data.current_password, field="current_password")
        hashed = await local.hash(data.new_password)
        async with local.changing() as conn:
            if not await accounts.set_password(conn, account.user_id, hashed, was=account.password_hash):
                detail = "the password was changed elsewhere just now"
                raise Refusal(409, "changed", detail, field="current_password", rule="must be your password")
            await _void(conn, account.user_id, email=account.email, keep=identity.session_id)
        await local.sessions.ask()
        told = account.email_confirmed_at is not None
        letter = letters.password_changed(account.email, public_url=local.public_url)
        background = BackgroundTask(send_quietly, local.delivery, letter) if told else None
        return Response(None, status_code=204, background=background)

    return [change_password]


def bad_link() -> Refusal:
    """The one refusal of a link that is unknown, used, too old, or of an address given up since."""
    return Refusal(
        400,
        "bad-link",
        "this link does not work any more: ask for a new one",
        field="token",
        rule="must be of a link that is new and was not used",
    )


async def _send_reset(local: Local, email: str) -> None:
    try:
        account = await accounts.find(local.pool, email)
        if account is None or not account.open:
            return
        token = await local.proofs.new_token(account.user_id, "password", email)
    except Refusal:  # enough letters for this hour; the one before is good
        return
    except Exception as error:  # nobody waits for it; the person asks again
        _log.warning("a reset letter could not be made: %s", type(error).__name__)
        return
    await send_quietly(
        local.delivery, letters.reset_password(email, public_url=local.public_url, token=token)
    )


async def _reset(local: Local, token: str, hashed: str) -> _Done:
    """The address is proved by the letter having come back: who else has it loses it.

    A number goes, whoever added it and however long ago: the letter proves the address alone.
    """
    try:
        async with local.changing() as conn:
            proved = await local.proofs.take(conn, token, "password")
            if proved is None or not await accounts.reset_password(
                conn, proved.user_id, hashed, email=proved.target
            ):
                raise bad_link()
            await verifications.withdraw(conn, proved.user_id, "phone")  # before the number: see verify-phone
            moved = await users.free_email(conn, proved.target, for_person=proved.user_id)
            number_removed = await accounts.forget_phone(conn, proved.user_id)
            await accounts.confirm_email(conn, proved.user_id, proved.target)
            await _void(conn, proved.user_id, email=proved.target, keep=None)
            for other in moved:  # last: it holds the audit's lock until the commit
                await users.note_email_moved(conn, other)
    except asyncpg.UniqueViolationError:  # somebody was given the address in this moment
        detail = "this address was being changed; try again"
        raise Refusal(503, "busy", detail, retry_after_ms=1_000) from None
    return _Done(proved, moved, number_removed)


async def _void(conn: Executor, person_id: str, *, email: str, keep: str | None) -> None:
    """Whoever knew the old password keeps nothing: no session, no code, no link to reset it or move the account."""
    await verifications.withdraw(conn, person_id, "phone")
    await verifications.withdraw(conn, person_id, "password")
    await verifications.withdraw(conn, person_id, "email", but=email)
    await sessions.end_all(conn, person_id, keep=keep, reason="password")
