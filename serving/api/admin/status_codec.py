"""The engine's status to and from protobuf messages."""

from __future__ import annotations

from typing import Any

from protos import admin_pb2
from serving.api.reports import InterleavingReport, InterleavingTally, Leader, Status


def read_status(message: Any) -> Status:
    """A ``Status`` message as the engine's status."""
    values = {name: getattr(message, name) for name in _STATUS_FIELDS}
    has_report = message.HasField("interleaving")
    return Status(
        **values,
        versions=dict(message.versions),
        interleaving=_read_report(message.interleaving) if has_report else None,
    )


def write_status(status: Status) -> Any:
    """A ``Status`` message."""
    values = {name: getattr(status, name) for name in _STATUS_FIELDS}
    report = status.interleaving
    return admin_pb2.Status(
        **values,
        versions=status.versions,
        interleaving=None if report is None else _write_report(report),
    )


def _read_report(message: Any) -> InterleavingReport:
    tallies = []
    for one in message.tallies:
        values = {name: getattr(one, name) for name in _TALLY_FIELDS}
        tallies.append(InterleavingTally(**values, leader=Leader(one.leader)))
    values = {name: getattr(message, name) for name in _REPORT_FIELDS}
    return InterleavingReport(**values, tallies=tuple(tallies))


def _write_report(report: InterleavingReport) -> Any:
    values = {name: getattr(report, name) for name in _REPORT_FIELDS}
    message = admin_pb2.Interleaving(**values)
    for one in report.tallies:
        values = {name: getattr(one, name) for name in _TALLY_FIELDS}
        message.tallies.add(**values, leader=int(one.leader))
    return message


def _fields_of(kind: Any, *others: str) -> tuple[str, ...]:
    return tuple(field.name for field in kind.DESCRIPTOR.fields if field.name not in others)


_STATUS_FIELDS = _fields_of(admin_pb2.Status, "versions", "interleaving")
_REPORT_FIELDS = _fields_of(admin_pb2.Interleaving, "tallies")
_TALLY_FIELDS = _fields_of(admin_pb2.InterleavingTally, "leader")
