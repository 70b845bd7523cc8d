"""What users did elsewhere, on the wire. Amounts are text: decimal digits that nobody rounds on the way."""

from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.ports import FactEntry
from usercore.activity.read_activity import Activity
from usercore.activity.summary import ActivitySummary
from usercore.activity.values import Money
from usercore.codec.scalars import actor, compact, optional_timestamp, timestamp


def render_activity(activity: Activity) -> bytes:
    """Return a page of facts with the summary as compact JSON in UTF-8."""
    return compact(activity_object(activity))


def activity_object(activity: Activity) -> dict[str, object]:
    """Return a page of facts with the summary as a JSON object."""
    return {
        "items": [fact_object(entry) for entry in activity.page.items],
        "nextCursor": activity.page.next_cursor,
        "summary": summary_object(activity.summary),
    }


def fact_object(entry: FactEntry) -> dict[str, object]:
    """Return one fact as a JSON object."""
    return {
        "kind": entry.fact.kind.value,
        "id": entry.fact.fact_id,
        "at": timestamp(entry.fact.at),
        **_content(entry.fact),
        "eventId": entry.event_id,
        "recordedAt": timestamp(entry.recorded_at),
        "actor": actor(entry.actor),
        "correlationId": entry.correlation_id,
        "causationId": entry.causation_id,
    }


def _content(fact: Fact) -> dict[str, object]:
    match fact:
        case OrderPlaced():
            return {"total": _money(fact.total), "items": fact.items}
        case PaymentFailed():
            amount = None if fact.amount is None else _money(fact.amount)
            return {"orderId": fact.order_id, "errorCode": fact.error_code, "amount": amount}
        case PaymentSucceeded():
            return {"orderId": fact.order_id, "amount": _money(fact.amount)}
        case PointsEarned():
            return {"points": fact.points, "orderId": fact.order_id, "reason": fact.reason}


def _money(money: Money) -> dict[str, object]:
    return {"value": money.digits, "currency": money.currency}


def render_summary(summary: ActivitySummary) -> bytes:
    """Return what facts amount to as compact JSON in UTF-8."""
    return compact(summary_object(summary))


def summary_object(summary: ActivitySummary) -> dict[str, object]:
    """Return what facts amount to as a JSON object."""
    orders, payments, loyalty = summary.orders, summary.payments, summary.loyalty
    return {
        "orders": {
            "count": orders.count,
            "firstAt": optional_timestamp(orders.first_at),
            "lastAt": optional_timestamp(orders.last_at),
            "totals": [_money(money) for money in orders.totals],
        },
        "payments": {
            "standing": payments.standing.value,
            "failures": payments.failures,
            "recovered": payments.recovered,
            "lastFailureAt": optional_timestamp(payments.last_failure_at),
        },
        "loyalty": {
            "balance": loyalty.balance,
            "lifetime": loyalty.lifetime,
            "tier": loyalty.tier,
            "nextTier": loyalty.next_tier,
            "pointsToNextTier": loyalty.points_to_next_tier,
        },
    }
