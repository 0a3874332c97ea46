"""An address or a number is proved by what was sent there. Until then nobody is reminded through it."""

from typing import Any

import asyncpg
from litestar import Request, Response, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from nura_rt.auth.bearer import require_recent
from nura_rt.auth.tokens import Identity
from nura_rt.notify import letters
from nura_rt.notify.port import send_quietly
from nura_rt.people.accounts import taken
from nura_rt.people.forms import Phone, Sent, VerifyEmail, VerifyPhone, phone_of
from nura_rt.people.local import TOKEN_NEEDED, Local
from nura_rt.people.passwords import bad_link
from nura_rt.protocol.problem import Refusal
from nura_rt.store import accounts, sessions, verifications
from nura_rt.store.accounts import Account
from nura_rt.store.pool import Executor


def verification_routes(local: Local) -> list[HTTPRouteHandler]:
    """POST verify-email, resend-verification, phone and verify-phone."""
    return [*_email_routes(local), *_phone_routes(local)]


def _email_routes(local: Local) -> list[HTTPRouteHandler]:
    @post(
        "/v1/auth/verify-email",
        status_code=204,
        summary="Prove an address",
    )
    async def verify_email(request: Request[Any, Any, Any], data: JSONBody[VerifyEmail]) -> Response[None]:
        """Needs no sign-in: the link may be opened on another device."""
        local.limits.by_address.take(local.place(request))
        left = await _confirmed(local, data.token)
        background = None
        if left is not None:
            letter = letters.email_changed(left, public_url=local.public_url)
            background = BackgroundTask(send_quietly, local.delivery, letter)
        return Response(None, status_code=204, background=background)

    @post(
        "/v1/auth/resend-verification",
        status_code=202,
        summary="Ask for the verification letter again",
        security=TOKEN_NEEDED,
        opt={"refusals": (404,)},
    )
    async def resend_verification(request: Request[Any, Any, Any]) -> Response[Sent]:
        identity = await local.identity(request)
        local.require_delivery("email")
        local.limits.by_person.take(identity.user_id)
        account = await local.account(identity)
        if account.email_confirmed_at is not None:
            return Response(Sent(False), status_code=202)
        token = await local.proofs.new_token(account.user_id, "email", account.email)
        letter = letters.verify_email(account.email, public_url=local.public_url, token=token)
        return Response(
            Sent(True), status_code=202, background=BackgroundTask(send_quietly, local.delivery, letter)
        )

    return [verify_email, resend_verification]


def _phone_routes(local: Local) -> list[HTTPRouteHandler]:
    @post(
        "/v1/auth/phone",
        status_code=202,
        summary="Ask for a code by SMS",
        security=TOKEN_NEEDED,
    )
    async def phone(request: Request[Any, Any, Any], data: JSONBody[Phone]) -> Response[Sent]:
        identity = await local.identity(request)
        require_recent(identity, local.recent_s)
        local.require_delivery("sms")
        local.limits.by_person.take(identity.user_id)
        number = phone_of(data.phone)
        local.limits.numbers.take(number)
        code = await local.proofs.new_code(identity.user_id, number)
        letter = letters.phone_code(number, code=code)
        return Response(
            Sent(True), status_code=202, background=BackgroundTask(send_quietly, local.delivery, letter)
        )

    @post(
        "/v1/auth/verify-phone",
        status_code=204,
        summary="Prove a phone number",
        security=TOKEN_NEEDED,
    )
    async def verify_phone(request: Request[Any, Any, Any], data: JSONBody[VerifyPhone]) -> Response[None]:
        identity = await local.identity(request)
        require_recent(identity, local.recent_s)
        local.limits.by_person.take(identity.user_id)
        guessed = await local.proofs.guess_code(identity.user_id, data.code)
        if guessed is None:
            raise _wrong_code()
        told = await _reached(local, identity, guessed)
        await local.changed(identity.user_id)
        background = None
        if told is not None and local.delivery.carries("email"):
            letter = letters.phone_changed(told, public_url=local.public_url)
            background = BackgroundTask(send_quietly, local.delivery, letter)
        return Response(None, status_code=204, background=background)

    return [phone, verify_phone]


def _wrong_code() -> Refusal:
    return Refusal(
        400,
        "wrong-code",
        "this code is not right, or too old: ask for a new one",
        field="code",
        rule="must be the newest code, within 10 minutes and 5 tries",
    )


async def _reached(local: Local, identity: Identity, guessed: bytes) -> str | None:
    """Writes the number down; the proved address that is told of it.

    In the order of a reset (code, person, session): it withdraws this code, or forgets the number.
    """
    async with local.changing() as conn:
        number = await local.proofs.take_code(conn, guessed)
        if number is None:
            raise _wrong_code()
        told = await accounts.confirm_phone(conn, identity.user_id, number)
        if not await sessions.is_live(conn, identity.session_id):  # a reset came between the token and here
            raise Refusal(401, "session-ended", "this session was ended: sign in again")
    return told


async def _confirmed(local: Local, token: str) -> str | None:
    """Confirms the token's address; the proved one that was given up for it, if it is another."""
    try:
        async with local.changing() as conn:
            proved = await local.proofs.take(conn, token, "email")
            account = await accounts.lock(conn, proved.user_id) if proved else None
            if proved is None or account is None or not account.open:
                raise bad_link()
            moves = proved.target != account.email
            if moves:
                await _move(conn, account, proved.target)
            await accounts.confirm_email(conn, account.user_id, proved.target)
    except asyncpg.UniqueViolationError:
        raise taken() from None
    await local.changed(account.user_id)
    return account.email if moves and account.email_confirmed_at is not None else None


async def _move(conn: Executor, account: Account, email: str) -> None:
    """What was sent to the address given up proves nothing any more."""
    await accounts.set_email(conn, account.user_id, email)
    await verifications.withdraw(conn, account.user_id, "email")
    await verifications.withdraw(conn, account.user_id, "password")
