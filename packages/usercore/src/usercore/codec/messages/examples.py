"""One example for every message, as the catalogue shapes it."""

from collections.abc import Mapping
from typing import Any, Final

Example = Mapping[str, Any]

_USER: Final = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
_OTHER: Final = "01932f70-4e21-7b6d-8a3f-6c1d9e0b2a47"
_AT: Final = "2026-03-01T12:00:00.123456Z"
_NO: Final = {"verified": False, "verifiedAt": None}

RECEIVED: Final[Mapping[str, Example]] = {
    "CreateUser": {
        "email": "grace@example.com",
        "firstName": "Grace",
        "lastName": "Hopper",
        "password": "correct horse battery staple",
        "phoneNumber": "+4930123456",
    },
    "UpdateUser": {
        "userId": _USER,
        "firstName": "Amazing Grace",
        "address": {"street": "Unter den Linden 1", "city": "Berlin", "postalCode": "10117", "country": "Germany"},
    },
    "DeactivateUser": {"userId": _USER, "reason": "closing the account"},
    "GetUser": {"id": _USER},
    "GetUserEmailPreferences": {"userId": _USER},
    "PaymentFailed": {
        "paymentId": "pay-4711",
        "orderId": "order-1001",
        "errorCode": "card_declined",
        "errorMessage": "The card was declined.",
        "timestamp": "2026-03-01T12:05:00Z",
        "amount": {"value": 59.97, "currency": "EUR"},
    },
    "PaymentSucceeded": {
        "paymentId": "pay-4712",
        "orderId": "order-1001",
        "amount": 59.97,
        "currency": "EUR",
        "paymentMethod": {"type": "card", "last4": "4242"},
        "status": "succeeded",
        "timestamp": "2026-03-01T12:10:00Z",
        "metadata": {"attempt": 2},
    },
    "OrderPlaced": {
        "orderId": "order-1001",
        "customerId": _USER,
        "items": [{"productId": "tea-pot", "quantity": 3, "price": 19.99}],
        "totalAmount": 59.97,
        "currency": "EUR",
        "createdAt": "2026-03-01T12:00:00Z",
    },
    "LoyaltyPointsEarned": {
        "userId": _USER,
        "points": 60,
        "orderId": "order-1001",
        "reason": "order",
        "transactionId": "points-2001",
        "timestamp": "2026-03-01T12:10:01Z",
    },
}
"""What others send us. They go together: the order is the user's, and the payments are for it."""

PUBLISHED: Final[Mapping[str, Example]] = {
    "AuditCheckpointMade": {
        "number": 17,
        "at": "2026-03-01T12:00:00.123456Z",
        "size": 1204,
        "entries": 31842,
        "root": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "note": "user-service\n1204\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nnumber 17\n"
        "time 2026-03-01T12:00:00.123456Z\nentries 31842\n"
        "previous ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n\n\u2014 user-service "
        "c4txnpxQIo6rCzoBTfM6ggomfbwSRh4IZLSsRp6JMdxK07eo2Y7v6dwna1YEJvPmTUhr/iXQbRypXqFfcQ3G1sXsDQc=\n",
    },
    "UserCreated": {
        "userId": _USER,
        "email": "grace@example.com",
        "createdAt": _AT,
        "firstName": "Grace",
        "lastName": "Hopper",
    },
    "UserUpdated": {
        "userId": _USER,
        "updatedAt": _AT,
        "version": 2,
        "changedFields": ["firstName", "phoneNumber"],
        "firstName": "Amazing Grace",
        "phoneNumber": None,
    },
    "UserDeactivated": {
        "userId": _USER,
        "deactivatedAt": _AT,
        "reason": "USER_REQUESTED",
        "additionalNotes": "closing the account",
    },
    "UserReactivated": {"userId": _USER, "reactivatedAt": _AT, "reason": "came back"},
    "UserEmailPreferencesUpdated": {
        "userId": _USER,
        "updatedAt": _AT,
        "preferences": {
            "news": {
                "subscribed": True,
                "source": "preference-center",
                "updatedAt": _AT,
                "wordingVersion": "2026-01",
            }
        },
    },
    "UserConsentChanged": {
        "userId": _USER,
        "purpose": "marketing",
        "given": False,
        "wordingVersion": "2026-01",
        "changedAt": _AT,
    },
    "UserVerified": {"userId": _USER, "channel": "email", "verifiedAt": _AT},
    "UserMerged": {"userId": _USER, "mergedUserId": _OTHER, "mergedAt": _AT},
    "UserMergeUndone": {"userId": _USER, "mergedUserId": _OTHER, "undoneAt": _AT},
    "UsersImported": {
        "importId": "01900000-0000-7000-8000-00000000000b",
        "startedAt": _AT,
        "finishedAt": _AT,
        "created": 1999000,
        "updated": 0,
    },
    "UserErased": {"userId": _USER, "erasedAt": _AT},
    "UserCommandRejected": {
        "command": "CreateUser",
        "commandId": "create-user-0-42",
        "problem": {
            "type": "urn:user-service:problem:email_taken",
            "title": "Another user has this email",
            "detail": "Another user has this email",
            "code": "email_taken",
        },
    },
    "UserProfile": {
        "id": _USER,
        "username": "grace@example.com",
        "email": "grace@example.com",
        "firstName": "Grace",
        "lastName": "Hopper",
        "phoneNumber": "+4930123456",
        "address": {
            "street": "Unter den Linden 1",
            "city": "Berlin",
            "state": None,
            "postalCode": "10117",
            "country": "Germany",
        },
        "locale": "en-GB",
        "timeZone": "Europe/Berlin",
        "birthDate": "1906-12-09",
        "attributes": {},
        "externalId": "crm-4711",
        "status": "ACTIVE",
        "statusDetails": {
            "since": _AT,
            "reason": None,
            "notes": None,
            "until": None,
            "actor": {"kind": "SERVICE", "id": "shop"},
        },
        "verification": {"email": _NO, "phone": _NO, "identity": _NO},
        "restricted": False,
        "version": 1,
        "createdAt": _AT,
        "updatedAt": _AT,
    },
    "UserEmailPreferences": {
        "userId": _USER,
        "version": 2,
        "topics": {
            "news": {
                "subscribed": True,
                "source": "preference-center",
                "updatedAt": _AT,
                "wordingVersion": "2026-01",
                "title": "News",
                "description": "What is new, once a month.",
                "mandatory": False,
                "currentWordingVersion": "2026-01",
            }
        },
    },
    "Problem": {
        "type": "urn:user-service:problem:user_not_found",
        "title": "There is no such user",
        "detail": "There is no such user",
        "code": "user_not_found",
    },
}
"""What we publish, and how we answer queries."""
