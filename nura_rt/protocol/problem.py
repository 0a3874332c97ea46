"""RFC 9457 problem+json: how REST says no. `type` is stable; `field` and `rule` name what to mend."""

import msgspec

from nura_rt.protocol.server import Support

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refusal."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    rule: str | None = None
    retry_after_ms: int | None = None
    support: Support | None = None  # help that is there now: what was refused held worrying words


class Refusal(Exception):
    """Raised by a route; the app turns it into its problem."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        retry_after_ms: int | None = None,
        support: Support | None = None,
    ) -> None:
        super().__init__(slug)
        self.problem = Problem(
            type=f"/problems/{slug}",
            title=slug.replace("-", " "),
            status=status,
            detail=detail,
            field=field,
            rule=rule,
            retry_after_ms=retry_after_ms,
            support=support,
        )
