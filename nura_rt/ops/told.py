"""What the document says of routes that do not say it themselves, by operation. A route's own words win."""

import msgspec


class Told(msgspec.Struct, frozen=True):
    """`token`: the route wants one. `refusals`: statuses beside those that follow from its shape."""

    summary: str
    description: str
    token: bool = False
    refusals: tuple[int, ...] = ()


TOLD = {
    "livez": Told("Is it alive?", "Answers as long as the process does. For a supervisor."),
    "readyz": Told(
        "Is it ready?",
        "503 when PostgreSQL does not answer, when this instance alone hears nothing over the bus, and while it "
        "leaves. `degraded` is ready: Redis is away. For a load balancer.",
    ),
    "modes": Told("How people sign in here", "`local` or `supabase`, and in development the demo person."),
    "sign_up": Told(
        "Make an account", "With an address nobody has here yet; a link to verify it is sent.", refusals=(409, 429, 503)
    ),
    "sign_in": Told(
        "Sign in", "The same answer, in the same time, for an unknown address and a wrong password.",
        refusals=(401, 429, 503),
    ),
    "refresh": Told(
        "Get a newer token",
        "A refresh token works once. Shown again it ends its session: somebody has a copy. Whose answer was lost sends "
        "it again with the same `Idempotency-Key` and gets the same answer.",
        refusals=(401, 429, 503),
    ),
    "sign_out": Told("Sign out", "Ends this session: its sockets close, its tokens are refused.", token=True),
    "forgot_password": Told(
        "Ask for a link to a new password", "202 whether or not the address has an account.", refusals=(429, 503)
    ),
    "reset_password": Told(
        "Set a new password by the link",
        "The link works once. Every session of the person ends, and a phone number is forgotten.",
        refusals=(429, 503),
    ),
    "change_password": Told(
        "Change your password", "Needs the one you have. Every other session ends.",
        token=True, refusals=(403, 404, 409, 429),
    ),
    "change_email": Told(
        "Change your address",
        "Needs your password. Counts once the link sent to the new address was opened. 202 also for an address that "
        "is somebody's: nothing is sent there.",
        token=True, refusals=(403, 404, 429),
    ),
    "verify_email": Told(
        "Confirm an address by the link", "Needs no sign-in: the link may be opened on another device.",
        refusals=(409, 429, 503),
    ),
    "resend_verification": Told(
        "Send the link once more", "`sent` is false when the address is confirmed already.",
        token=True, refusals=(404, 429),
    ),
    "phone": Told(
        "Send a code to a number", "Needs a recent sign-in. The number counts once its code came back.",
        token=True, refusals=(403, 429),
    ),
    "verify_phone": Told(
        "Confirm a number by its code", "Five tries a code. The proved address is told of a new number.",
        token=True, refusals=(403, 429),
    ),
    "supabase_auth": Told(
        "Hear from Supabase Auth", "Signed by the shared secret (Standard Webhooks). A repeat changes nothing.",
        refusals=(400, 401, 413, 503),
    ),
    "support_resources": Told("Places that help", "By country. Open to anyone: nobody signs in to find help."),
}  # fmt: skip
