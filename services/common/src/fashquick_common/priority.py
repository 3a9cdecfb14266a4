"""Who goes first where calls wait."""

from __future__ import annotations

from enum import IntEnum

from fashquick.common.v1 import priority_pb2


class Priority(IntEnum):
    """Priority of a call; the lower number goes first."""

    INTERACTIVE = 0
    BULK = 1


_INTERACTIVE = (priority_pb2.PRIORITY_UNSPECIFIED, priority_pb2.PRIORITY_INTERACTIVE)


def priority_from_proto(value: priority_pb2.Priority.ValueType) -> Priority:
    """Read a priority from the wire; a value that is not known here is BULK, so that it overtakes nobody."""
    return Priority.INTERACTIVE if value in _INTERACTIVE else Priority.BULK


def priority_to_proto(priority: Priority) -> priority_pb2.Priority.ValueType:
    """Return the wire form."""
    return priority_pb2.PRIORITY_INTERACTIVE if priority is Priority.INTERACTIVE else priority_pb2.PRIORITY_BULK
