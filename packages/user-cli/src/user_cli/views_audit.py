"""The audit trail as people and programs see it."""

from collections.abc import Sequence

from user_cli.output import say, show_pairs, show_table
from usercore.audit.entry import SERVICE_CHAIN, ChainedEntry
from usercore.audit.findings import AuditReport, Finding
from usercore.codec.scalars import timestamp
from usercore.kernel.ids import UserId

__all__ = ["finding_object", "report_object", "show_entries", "show_findings", "show_report"]

_SERVICE = "(service)"


def show_entries(entries: Sequence[ChainedEntry], next_cursor: str | None) -> None:
    """Write a page of the trail for people."""
    rows = (
        (
            timestamp(one.entry.at),
            one.entry.actor,
            one.entry.action,
            _owner(one.entry.user_id),
            one.sequence,
            ", ".join(one.entry.fields),
            one.entry.correlation_id,
        )
        for one in entries
    )
    show_table(("AT", "BY", "WHAT", "USER", "NO", "FIELDS", "CORRELATION"), rows, empty="Nothing is recorded.")
    if next_cursor is not None:
        say(f"More: --cursor {next_cursor}")


def show_report(report: AuditReport, *, published: bool) -> None:
    """Write what a verification saw for people."""
    show_pairs(
        (
            ("entries", f"{report.entries:,}"),
            ("chains", f"{report.chains:,}"),
            ("checkpoints", f"{report.checkpoints:,}"),
            ("since the last", f"{report.unattested:,} entries"),
            ("published", "compared" if published else "not compared: name a file with --checkpoints"),
        )
    )
    show_findings(report.findings)
    if report.further:
        say(f"and {report.further:,} more findings.")


def show_findings(findings: Sequence[Finding]) -> None:
    """Write findings for people."""
    rows = (
        (one.kind, "" if one.user_id is None else _owner(one.user_id), _optional(one.sequence), one.detail)
        for one in findings
    )
    show_table(("FOUND", "USER", "NO", "DETAIL"), rows, empty="Nothing is wrong.")


def report_object(report: AuditReport) -> dict[str, object]:
    """Return what a verification saw as a JSON object."""
    return {
        "clean": report.is_clean,
        "entries": report.entries,
        "chains": report.chains,
        "leaves": report.leaves,
        "checkpoints": report.checkpoints,
        "unattested": report.unattested,
        "findings": [finding_object(one) for one in report.findings],
        "furtherFindings": report.further,
    }


def finding_object(one: Finding) -> dict[str, object]:
    """Return a finding as a JSON object."""
    return {"kind": one.kind, "userId": one.user_id, "sequence": one.sequence, "detail": one.detail}


def _owner(user_id: UserId) -> str:
    return _SERVICE if user_id == SERVICE_CHAIN else user_id


def _optional(number: int | None) -> object:
    return "" if number is None else number
