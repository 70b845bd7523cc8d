"""Every operation of the API: its name, method and path. What is not listed does not exist."""

from typing import Final

from attrs import frozen


@frozen
class Route:
    """One operation.

    Args:
        id: its name in the OpenAPI document, in the access table and in the code that binds it.
        method: the HTTP method.
        path: the path's template, as metrics and logs show it.
    """

    id: str
    method: str
    path: str


CREATE_USER = Route("createUser", "POST", "/v1/users")
LIST_USERS = Route("listUsers", "GET", "/v1/users")
GET_USER = Route("getUser", "GET", "/v1/users/{userId}")
PATCH_USER = Route("patchUser", "PATCH", "/v1/users/{userId}")
DEACTIVATE_USER = Route("deactivateUser", "POST", "/v1/users/{userId}/deactivate")
REACTIVATE_USER = Route("reactivateUser", "POST", "/v1/users/{userId}/reactivate")
GET_EMAIL_PREFERENCES = Route("getEmailPreferences", "GET", "/v1/users/{userId}/email-preferences")
PATCH_EMAIL_PREFERENCES = Route("patchEmailPreferences", "PATCH", "/v1/users/{userId}/email-preferences")
GET_CONSENTS = Route("getConsents", "GET", "/v1/users/{userId}/consents")
RECORD_CONSENT = Route("recordConsent", "POST", "/v1/users/{userId}/consents")
GET_HISTORY = Route("getHistory", "GET", "/v1/users/{userId}/history")
GET_ACTIVITY = Route("getActivity", "GET", "/v1/users/{userId}/activity")
UPDATE_BY_MESSAGE = Route("updateUserByMessage", "POST", "/v1/users/update")
DEACTIVATE_BY_MESSAGE = Route("deactivateUserByMessage", "POST", "/v1/users/deactivate")
GET_BY_NAME = Route("getUserByName", "GET", "/v1/users/get")
GET_EMAIL_PREFERENCES_BY_QUERY = Route("getEmailPreferencesByQuery", "GET", "/v1/users/get-email-preferences")
LIVE = Route("getLiveness", "GET", "/health/live")
READY = Route("getReadiness", "GET", "/health/ready")
METRICS = Route("getMetrics", "GET", "/metrics")
OPENAPI_JSON = Route("getOpenapiJson", "GET", "/openapi.json")
OPENAPI_YAML = Route("getOpenapiYaml", "GET", "/openapi.yaml")
DOCS = Route("getDocs", "GET", "/docs")
DOCS_SCRIPT = Route("getDocsScript", "GET", "/docs/page.js")
DOCS_STYLE = Route("getDocsStyle", "GET", "/docs/page.css")

ROUTES: Final = (
    CREATE_USER,
    LIST_USERS,
    GET_USER,
    PATCH_USER,
    DEACTIVATE_USER,
    REACTIVATE_USER,
    GET_EMAIL_PREFERENCES,
    PATCH_EMAIL_PREFERENCES,
    GET_CONSENTS,
    RECORD_CONSENT,
    GET_HISTORY,
    GET_ACTIVITY,
    UPDATE_BY_MESSAGE,
    DEACTIVATE_BY_MESSAGE,
    GET_BY_NAME,
    GET_EMAIL_PREFERENCES_BY_QUERY,
    LIVE,
    READY,
    METRICS,
    OPENAPI_JSON,
    OPENAPI_YAML,
    DOCS,
    DOCS_SCRIPT,
    DOCS_STYLE,
)

UNMATCHED: Final = "unmatched"
"""The route that metrics and logs show for a request that has none."""
