"""What we write to people: plain, short, calm. A link carries its secret after `#`, so no server logs it.

Whoever reads over a shoulder learns nothing of what Nura is for.
"""

from nura_rt.notify.port import Letter


def verify_email(to: str, *, public_url: str, token: str) -> Letter:
    """For somebody who gave this address when they signed up, or asked again."""
    return Letter(
        "verify-email",
        to,
        "Confirm your address for Nura",
        f"""Hello,

this address was given to sign in to Nura. Open this link to confirm that it is yours:

{public_url}/#verify={token}

The link works once, for 24 hours. Until then everything works, but we will not write to you here.

If this was not you, there is nothing to do: without the link we will not write again.
""",
    )


def change_email(to: str, *, public_url: str, token: str) -> Letter:
    """For the new address of somebody who wants to move there."""
    return Letter(
        "change-email",
        to,
        "Confirm your new address for Nura",
        f"""Hello,

somebody who signs in to Nura wants to use this address from now on. Open this link if that is you:

{public_url}/#verify={token}

The link works once, for 24 hours. Until you open it, the old address stays in use.

If this was not you, there is nothing to do.
""",
    )


def email_changed(to: str, *, public_url: str) -> Letter:
    """For the old address. The new one is not named: this mailbox may be somebody else's by now."""
    return Letter(
        "email-changed",
        to,
        "Your address for Nura has changed",
        f"""Hello,

your account was moved to another address. This one no longer signs in.

If that was you, there is nothing to do. If it was not, somebody knows your password. Write to whoever runs
this server, as soon as you can:

{public_url}
""",
    )


def reset_password(to: str, *, public_url: str, token: str) -> Letter:
    """For somebody who has forgotten their password."""
    return Letter(
        "reset-password",
        to,
        "Choose a new password for Nura",
        f"""Hello,

somebody asked for a new password for this address. Open this link to choose one:

{public_url}/#reset={token}

The link works once, for one hour. When you have chosen, every device is signed out.

If this was not you, there is nothing to do: your password stays as it is.
""",
    )


def password_changed(to: str, *, public_url: str) -> Letter:
    """For the owner of a password that was changed."""
    return Letter(
        "password-changed",
        to,
        "Your password for Nura has changed",
        f"""Hello,

the password of your account was changed, and your other devices were signed out.

If that was you, there is nothing to do. If it was not, choose "I forgot my password" here now:

{public_url}
""",
    )


def password_reset(to: str, *, public_url: str, number_removed: bool) -> Letter:
    """For who chose a new password by a link: every device is out, and a number goes too."""
    number = "\nThe phone number you had given was removed. You can add it again.\n" if number_removed else ""
    return Letter(
        "password-changed",
        to,
        "Your password for Nura has changed",
        f"""Hello,

a new password was chosen for your account by a link sent here, and every device was signed out.
{number}
If that was you, there is nothing more to do. If it was not, somebody reads your letters. Choose
"I forgot my password" here when nobody else does:

{public_url}
""",
    )


def phone_changed(to: str, *, public_url: str) -> Letter:
    """For somebody whose number is another now. It is not named."""
    return Letter(
        "phone-changed",
        to,
        "Your phone number for Nura has changed",
        f"""Hello,

a phone number was confirmed for your account.

If that was you, there is nothing to do. If it was not, choose "I forgot my password" here now. That also
removes the number:

{public_url}
""",
    )


def phone_code(to: str, *, code: str) -> Letter:
    """An SMS. It may be read on a locked screen."""
    text = f"{code} is your Nura code. It is good for 10 minutes. Nobody will ever ask you for it."
    return Letter("phone-code", to, "", text, "sms")
