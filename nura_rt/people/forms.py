"""What people write into the forms of sign-in, and the rules it must keep. A rule names its field, never the value."""

import re
from datetime import datetime

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from nura_rt.auth import passwords
from nura_rt.protocol.problem import Refusal

# neither what PostgreSQL cannot store nor what would make two addresses of one in a letter's head
_EMAIL = re.compile(
    r"[^@\s\x00-\x20\x7f\ud800-\udfff()<>\[\]:;,\\\"]{1,64}"
    r"@[^@\s\x00-\x20\x7f\ud800-\udfff()<>\[\]:;,\\\"]{1,180}\.[^@\s\x00-\x20\x7f\ud800-\udfff.()<>\[\]:;,\\\"]{2,60}"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_COSTLY = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"  # a traceback must not print what somebody typed


class SignUp(_Form, frozen=True):
    """What a new person gives."""

    email: str
    password: str
    display_name: str | None = None


class SignIn(_Form, frozen=True):
    """What a known person gives."""

    email: str
    password: str


class Refresh(_Form, frozen=True):
    """The newest refresh token; the one before it if its answer was lost a moment ago."""

    refresh_token: str


class VerifyEmail(_Form, frozen=True):
    """What stood after `#verify=` in the letter's link."""

    token: str


class ForgotPassword(_Form, frozen=True):
    """Whose password is forgotten."""

    email: str


class ResetPassword(_Form, frozen=True):
    """What stood after `#reset=` in the letter's link, and the new password."""

    token: str
    password: str


class ChangePassword(_Form, frozen=True):
    """The current password proves that it is the person and not an unlocked phone."""

    current_password: str
    new_password: str


class ChangeEmail(_Form, frozen=True):
    """The address to move to; the password proves that it is the person."""

    email: str
    password: str


class Phone(_Form, frozen=True):
    """A number with its country: +34 600 12 34 56."""

    phone: str


class VerifyPhone(_Form, frozen=True):
    """The six digits of the SMS; spaces do not matter."""

    code: str


class Signed(msgspec.Struct, frozen=True):
    """A token and until when it is good, and what gets the next one. Both are secret."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    user_id: str

    def __repr__(self) -> str:
        return f"Signed(user_id={self.user_id!r}, ...)"


class Sent(msgspec.Struct, frozen=True):
    """Did something go out. False: there was nothing to confirm."""

    sent: bool


def is_email(text: str) -> bool:
    """Has it the form of an address (already stripped and in lower case)."""
    return _EMAIL.fullmatch(text) is not None


def email_of(text: str) -> str:
    """The address as it is stored. Raises Refusal 400."""
    email = text.strip().lower()
    if not is_email(email):
        raise _invalid("this is not an e-mail address", "email", "must be name@host")
    return email


def name_of(text: str | None) -> str | None:
    """A name to be called by, None for an empty one. Raises Refusal 400."""
    name = _UNSTORABLE.sub("", text or "").strip()
    if len(name) > 100:
        raise _invalid("this name is too long", "display_name", "must be at most 100 characters")
    return name or None


def phone_of(text: str) -> str:
    """The number in E.164. Raises Refusal 400 for one that does not exist or costs its owner money."""
    try:
        number = phonenumbers.parse(text[:64], None)
    except NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number) or number.extension:
        raise _invalid("this is not a phone number", "phone", "must begin with + and the country's code")
    if phonenumbers.number_type(number) in _COSTLY:
        raise _invalid("this number cannot get a code", "phone", "must not be a premium number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def check_new_password(password: str, *, field: str = "password") -> None:
    """Before anything is spent on it. Raises Refusal 400."""
    try:
        passwords.require_password(password)
    except passwords.PasswordRule as error:
        raise _invalid(str(error), field, error.rule) from None


def _invalid(detail: str, field: str, rule: str) -> Refusal:
    return Refusal(400, "invalid", detail, field=field, rule=rule)
