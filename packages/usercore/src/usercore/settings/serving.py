"""The section of the HTTP runner; userctl reads it too, to mint tokens and to check it."""

from pathlib import Path

from attrs import field, frozen

from usercore.kernel.limits import Quota
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import boolean, path, quota, seconds, text, url, whole_number, words


@frozen
class AuthSettings:
    """Whose bearer tokens are believed."""

    issuer: str = setting(
        "USER_SERVICE_TOKEN_ISSUER",
        text,
        "The `iss` that a token must name: the AuthenticationService.",
        default="user-service",
    )
    audience: str = setting(
        "USER_SERVICE_TOKEN_AUDIENCE",
        text,
        "The `aud` that a token must name: this service.",
        default="user-service",
    )
    key_file: Path | None = setting(
        "USER_SERVICE_TOKEN_KEY_FILE",
        path,
        "Public keys that tokens are checked with: a PEM file or a JWKS file. Either it or "
        "`USER_SERVICE_TOKEN_JWKS_URL` is needed.",
        default=None,
    )
    jwks_url: str | None = setting(
        "USER_SERVICE_TOKEN_JWKS_URL",
        url("https", "http"),
        "Where the AuthenticationService publishes its JWKS; fetched again when a token names a key not seen before.",
        default=None,
    )

    signed_in_within_s: float = setting(
        "USER_SERVICE_SIGNED_IN_WITHIN_S",
        seconds(0, 86_400),
        "How old a person's own token may be for a privacy request to count as theirs without further proof.",
        default=900.0,
    )

    def __attrs_post_init__(self) -> None:
        """Refuse to serve without a way to check tokens."""
        if (self.key_file is None) == (self.jwks_url is None):
            detail = "set either it or USER_SERVICE_TOKEN_JWKS_URL"
            raise SettingsError(problems=(Problem("USER_SERVICE_TOKEN_KEY_FILE", detail),))


@frozen
class HttpSettings:
    """Where and how HTTP is served."""

    host: str = setting(
        "USER_SERVICE_LISTEN_HOST",
        text,
        "The address to listen on. Loopback unless a proxy or a container asks for another.",
        default="127.0.0.1",
    )
    port: int = setting("USER_SERVICE_LISTEN_PORT", whole_number(0, 65535), "The port to listen on.", default=8080)
    body_limit_bytes: int = setting(
        "USER_SERVICE_BODY_LIMIT_BYTES",
        whole_number(1024, 16 * 1024 * 1024),
        "The largest request body that is read.",
        default=1024 * 1024,
    )
    import_limit_bytes: int = setting(
        "USER_SERVICE_IMPORT_LIMIT_BYTES",
        whole_number(1024, 4 * 1024 * 1024 * 1024),
        "The largest file that `POST /v1/imports` takes; it is kept in the database until its rows are imported.",
        default=256 * 1024 * 1024,
    )
    import_timeout_s: float = setting(
        "USER_SERVICE_IMPORT_TIMEOUT_S",
        seconds(1, 86_400),
        "How long such a file may take to come.",
        default=600.0,
    )
    max_in_flight: int = setting(
        "USER_SERVICE_MAX_IN_FLIGHT",
        whole_number(1, 100_000),
        "How many requests are worked on at once; more are refused with 503.",
        default=1000,
    )
    request_timeout_s: float = setting(
        "USER_SERVICE_REQUEST_TIMEOUT_S",
        seconds(0.1, 300),
        "How long one request may take before it is answered with 503.",
        default=10.0,
    )
    drain_delay_s: float = setting(
        "USER_SERVICE_DRAIN_DELAY_S",
        seconds(0, 300),
        "After SIGTERM: how long to go on serving, not ready any more, so that load balancers notice.",
        default=0.0,
    )
    drain_timeout_s: float = setting(
        "USER_SERVICE_DRAIN_TIMEOUT_S",
        seconds(0, 300),
        "After that: how long requests that were accepted may take to finish.",
        default=20.0,
    )
    read_lane: bool = setting(
        "USER_SERVICE_READ_LANE",
        boolean,
        "Answer what is asked most of single users in front of the router.",
        default=True,
    )
    trusted_proxies: tuple[str, ...] = setting(
        "USER_SERVICE_TRUSTED_PROXIES",
        words,
        "Addresses of proxies whose forwarded headers are believed, parted by commas.",
        default=(),
    )


@frozen
class LimitSettings:
    """How often each caller may ask; see docs/rate-limits.md."""

    enabled: bool = setting(
        "USER_SERVICE_RATE_LIMITS",
        boolean,
        "Whether requests are counted and refused with 429 beyond the quotas below, each of which is REQUESTS/SECONDS "
        "or `off`. With `REDIS_URL` all copies count together, else each for itself.",
        default=True,
    )
    reads: Quota | None = setting(
        "USER_SERVICE_RATE_LIMIT_READS", quota, "Reads of one caller.", default=Quota(600_000, 60)
    )
    writes: Quota | None = setting(
        "USER_SERVICE_RATE_LIMIT_WRITES", quota, "Writes of one caller.", default=Quota(60_000, 60)
    )
    lookups: Quota | None = setting(
        "USER_SERVICE_RATE_LIMIT_LOOKUPS",
        quota,
        "Searches of one caller for a user by email or username.",
        default=Quota(6_000, 60),
    )
    sensitive: Quota | None = setting(
        "USER_SERVICE_RATE_LIMIT_SENSITIVE",
        quota,
        "What one caller does about one user of verification codes and privacy requests.",
        default=Quota(30, 60),
    )
    anonymous: Quota | None = setting(
        "USER_SERVICE_RATE_LIMIT_ANONYMOUS",
        quota,
        "Requests of one address without a token that proves who asks. The address is a proxy's unless "
        "`USER_SERVICE_TRUSTED_PROXIES` names it.",
        default=Quota(600, 60),
    )


@frozen
class ServingSettings:
    """All that the HTTP runner needs of its own."""

    http: HttpSettings = field()
    auth: AuthSettings = field()
    limits: LimitSettings = field(factory=LimitSettings)
