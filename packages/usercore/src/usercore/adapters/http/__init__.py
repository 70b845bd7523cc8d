"""Clients of the services around us."""

from usercore.adapters.http.audit import HttpAuditService
from usercore.adapters.http.authentication import HttpAuthenticationService
from usercore.adapters.http.client import ServiceClient, open_client
from usercore.adapters.http.kratos import KratosAuthenticationService
from usercore.adapters.http.notification import HttpNotificationService

__all__ = [
    "HttpAuditService",
    "HttpAuthenticationService",
    "HttpNotificationService",
    "KratosAuthenticationService",
    "ServiceClient",
    "open_client",
]
