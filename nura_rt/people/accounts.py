"""An account is made, and moved to another address. An address counts as proved only when its link was opened."""

import uuid
from typing import Any

import asyncpg
from litestar import Request, Response, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from nura_rt.conversation.words import Found
from nura_rt.notify import letters
from nura_rt.notify.port import send_quietly
from nura_rt.people.forms import ChangeEmail, Sent, Signed, SignUp, check_new_password, email_of, name_of
from nura_rt.people.local import TOKEN_NEEDED, Local
from nura_rt.protocol.problem import Refusal
from nura_rt.store import accounts, users, verifications
from nura_rt.store.accounts import Account


def account_routes(local: Local) -> list[HTTPRouteHandler]:
    """POST sign-up and change-email."""

    @post(
        "/v1/auth/sign-up",
        status_code=201,
        summary="Make an account",
    )
    async def sign_up(request: Request[Any, Any, Any], data: JSONBody[SignUp]) -> Response[Signed]:
        local.limits.by_address.take(local.place(request))
        email, name = email_of(data.email), name_of(data.display_name)
        check_new_password(data.password)
        found = local.words.screen({"profile": data.display_name})
        account = await _made(local, email, name, found, await local.hash(data.password))
        signed = await local.signing.begin(
            account, device=local.device(request), address=local.address(request)
        )
        token = await local.proofs.new_token(account.user_id, "email", email)
        letter = letters.verify_email(email, public_url=local.public_url, token=token)
        return Response(
            signed, status_code=201, background=BackgroundTask(send_quietly, local.delivery, letter)
        )

    @post(
        "/v1/auth/change-email",
        status_code=202,
        summary="Move to another address",
        security=TOKEN_NEEDED,
        opt={"refusals": (403, 404)},
    )
    async def change_email(request: Request[Any, Any, Any], data: JSONBody[ChangeEmail]) -> Response[Sent]:
        identity = await local.identity(request)
        local.require_delivery("email")
        email = email_of(data.email)
        account = await local.prove(identity, data.password, field="password")
        if email == account.email:
            rule = "must be another one"
            raise Refusal(400, "invalid", "this is your address already", field="email", rule=rule)
        token = await _link_to(local, account, email)
        background = None  # an address that is somebody's hears nothing, and whoever asks does not learn it
        if not await accounts.is_taken(local.pool, email, but_by=account.user_id):
            letter = letters.change_email(email, public_url=local.public_url, token=token)
            background = BackgroundTask(send_quietly, local.delivery, letter)
        return Response(Sent(True), status_code=202, background=background)

    return [sign_up, change_email]


def taken() -> Refusal:
    """The refusal of an address that somebody has."""
    return Refusal(409, "taken", "this address has an account: sign in", field="email", rule="must be new")


async def _link_to(local: Local, account: Account, email: str) -> str:
    """The secret of a link that moves the account, if its password is still the one that was proved."""
    async with local.changing() as conn:
        # a change of the password voids the links it finds: it finds this one, or is found here
        if not await accounts.still_has(conn, account):
            detail, rule = "the password was changed elsewhere just now", "must be your password"
            raise Refusal(403, "wrong-password", detail, field="password", rule=rule)
        # only the last address asked for can be moved to; a link to the present one stays good
        await verifications.withdraw(conn, account.user_id, "email", but=account.email)
        return await local.proofs.new_token(account.user_id, "email", email, conn=conn)


async def _made(local: Local, email: str, name: str | None, found: Found, hashed: str) -> Account:
    """With what screening found in the name: the card waits for the person's first hello."""
    person_id = str(uuid.uuid4())
    try:
        async with local.pool.acquire() as conn, conn.transaction():
            await users.insert_signed_up(conn, person_id=person_id, email=email, display_name=name)
            await accounts.insert(conn, person_id=person_id, email=email, password_hash=hashed)
            await local.words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=person_id)
            account = await accounts.of_person(conn, person_id)
    except asyncpg.UniqueViolationError:
        raise taken() from None
    assert account is not None
    return account
