"""The secret that signs tokens. Made once per data folder in development, never in production."""

import secrets

from nura_rt import made_once
from nura_rt.settings import GENERATED_SECRET_PREFIX, Settings, SettingsError


def jwt_secret(settings: Settings) -> str:
    """The configured secret, else the one in `<data_dir>/jwt-secret`, made now if missing (mode 0600).

    Raises SettingsError in production, where Supabase signs (its secret cannot be made here), and for
    a file that is damaged or out of reach.
    """
    if settings.jwt_secret is not None:
        return settings.jwt_secret
    if settings.env == "production" or settings.auth_mode == "supabase":
        raise SettingsError("SUPABASE_JWT_SECRET", "must be set in production and with AUTH_MODE=supabase")
    path = settings.data_dir / "jwt-secret"
    try:
        text = made_once.read_or_make(path, lambda: GENERATED_SECRET_PREFIX + secrets.token_urlsafe(48))
    except (OSError, ValueError):
        raise SettingsError(
            "NURA_DATA_DIR", "must be a folder where jwt-secret can be written and read"
        ) from None
    if not text.startswith(GENERATED_SECRET_PREFIX) or len(text) < len(GENERATED_SECRET_PREFIX) + 64:
        raise SettingsError(
            "NURA_DATA_DIR", "holds a damaged jwt-secret; delete it and everybody signs in anew"
        )
    return text
