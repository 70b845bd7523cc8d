"""How often each caller may ask: which quota holds for which request, and what the answer tells of it.

One quota holds for each request. It belongs to the token's subject together with its client, or, where no token
proves who asks, to the client's address. Probes and scrapes are never counted.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from math import ceil
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from user_http.access import PUBLIC
from user_http.answers import Headers
from user_http.problems import RATE_LIMITED, RequestRefusedError, retry_after
from user_http.requests import Call
from user_http.routes import ROUTES, Route
from usercore.kernel.limits import LimitPolicy, RateLimiter, Verdict
from usercore.settings.serving import LimitSettings

READS: Final = "reads"
WRITES: Final = "writes"
LOOKUPS: Final = "lookups"
SENSITIVE: Final = "sensitive"
ANONYMOUS: Final = "anonymous"

UNLIMITED: Final = frozenset({"getLiveness", "getReadiness", "getMetrics"})
"""Who refuses these looks dead."""
FINDING: Final = frozenset({"getUserByName", "listUsers"})
"""Operations that find a user by the name that people log in with: counted apart where they are asked for one, or
for what holds of somebody, which may be a name as well."""
NAMING: Final = frozenset({"checkSuppression", "countSegment", "countSegmentByBody"})
"""Operations that are asked about an address, or for what holds of somebody, and nothing else."""
DELICATE: Final = ("/v1/users/{userId}/verifications", "/v1/users/{userId}/privacy-requests")
"""Paths where guessing pays, or work is made for people: counted for each user that they are about."""
_NAMES: Final = (b"email=", b"username=", b"filter=", b"segment=")
_SAFE: Final = "GET"
_IPV6_SITE_BITS: Final = 64
"""Who has one address of such a network has all of them. Source: RFC 4291, 2.5.4."""


class LimitTelemetry(Protocol):
    """Is told of refusals."""

    def rate_limited(self, policy: str) -> None:
        """Take note of a request refused for its caller's quota."""
        ...


def policy_of(route: Route) -> str | None:
    """Return the name of the quota that holds for an operation with a token, or None where nothing is counted."""
    if route.id in UNLIMITED:
        return None
    if route.id in PUBLIC:
        return ANONYMOUS
    if route.path.startswith(DELICATE):
        return SENSITIVE
    if route.id in NAMING:
        return LOOKUPS
    return READS if route.method == _SAFE else WRITES


class Gate:
    """Lets requests through as long as their caller's quota lasts.

    Args:
        limiter: hands out permits.
        settings: the quotas.
        telemetry: is told of refusals.
    """

    def __init__(self, limiter: RateLimiter, settings: LimitSettings, telemetry: LimitTelemetry) -> None:
        self._limiter = limiter
        self._telemetry = telemetry
        self._policies = policies(settings)
        self._by_operation = {route.id: self._policies.get(policy_of(route) or "") for route in ROUTES}
        self._told = {name: (b"ratelimit-policy", _policy_line(one)) for name, one in self._policies.items()}

    def knows(self, call: Call, user_id: str | None) -> bool:
        """Let a request through if it is known at once that it may pass; else return False, and nothing was done.

        Raises:
            RequestRefusedError: the quota is used up.
        """
        policy = self._policy(call)
        if policy is None:
            return True
        verdict = self._limiter.at_once(policy, _counted(call, policy, user_id))
        if verdict is None:
            return False
        self._judge(call, policy, verdict)
        return True

    async def ask(self, call: Call, user_id: str | None) -> None:
        """Let a request through.

        Raises:
            RequestRefusedError: the quota is used up.
        """
        policy = self._policy(call)
        if policy is not None:
            self._judge(call, policy, await self._limiter.admit(policy, _counted(call, policy, user_id)))

    def _policy(self, call: Call) -> LimitPolicy | None:
        if call.caller is None:
            return None if call.route.id in UNLIMITED else self._policies.get(ANONYMOUS)
        if call.query_string and call.route.id in FINDING and _names_somebody(call.query_string):
            return self._policies.get(LOOKUPS)
        return self._by_operation[call.route.id]

    def _judge(self, call: Call, policy: LimitPolicy, verdict: Verdict) -> None:
        line = b'"%b";r=%d;t=%d' % (policy.name.encode(), verdict.remaining, ceil(max(0.0, verdict.reset_s)))
        call.exchange.limits = (self._told[policy.name], (b"ratelimit", line))
        if verdict.admitted:
            return
        self._telemetry.rate_limited(policy.name)
        detail = f"the quota {policy.name} allows {policy.quota.requests} requests in {policy.quota.window_s} s"
        raise RequestRefusedError(RATE_LIMITED, detail, headers=_retry(verdict))


def _names_somebody(query_string: bytes) -> bool:
    """Return whether a query asks for a name, however its own name is escaped."""
    plain = unquote_to_bytes(query_string) if b"%" in query_string else query_string
    return any(name in plain for name in _NAMES)


def policies(settings: LimitSettings) -> Mapping[str, LimitPolicy]:
    """Return the policies that are switched on, by name."""
    quotas = {
        READS: settings.reads,
        WRITES: settings.writes,
        LOOKUPS: settings.lookups,
        SENSITIVE: settings.sensitive,
        ANONYMOUS: settings.anonymous,
    }
    switched_on = quotas.items() if settings.enabled else ()
    return {name: LimitPolicy(name, quota) for name, quota in switched_on if quota is not None}


def _counted(call: Call, policy: LimitPolicy, user_id: str | None) -> str:
    """Return the word for who is counted."""
    if call.caller is None:
        return _site(call.address)
    if policy.name == SENSITIVE and user_id is not None:
        return f"{call.caller.name}\n{user_id.lower()}"
    return call.caller.name


def _site(address: str) -> str:
    """Return what stands for everybody who can use an address."""
    if ":" not in address:
        return address
    try:
        return str(ip_network((address.partition("%")[0], _IPV6_SITE_BITS), strict=False))
    except ValueError:
        return address


def _policy_line(policy: LimitPolicy) -> bytes:
    """Return the policy's item. Source: draft-ietf-httpapi-ratelimit-headers-10, section 3."""
    return b'"%b";q=%d;w=%d' % (policy.name.encode(), policy.quota.requests, policy.quota.window_s)


def _retry(verdict: Verdict) -> Headers:
    return retry_after(verdict.retry_s)
