"""A try-on's events put together to its outcome."""

from __future__ import annotations

from fashquick.tryon.v1 import try_on_pb2
from fashquick_client.answers import report_of, stage_of
from fashquick_client.events import ConditionMap, Event, Finished, OutputKind, Picture, Stage, Turntable
from fashquick_client.making import making_of, repairs_of
from fashquick_client.pixels import PixelMap
from fashquick_client.results import TryOnResult, ViewResult
from fashquick_common.errors import InternalError

_OF_GARMENTS = (OutputKind.PHOTO_MASK, OutputKind.PHOTO_ALPHA)

Maps = dict[int, dict[OutputKind, PixelMap]]


class Collector:
    """Takes events in their order.

    Attributes:
        result: The outcome; None before the last event.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.result: TryOnResult | None = None
        self._pictures: dict[int, Picture] = {}
        self._of_views: Maps = {}
        self._of_garments: Maps = {}
        self._turntable: bytes | None = None

    def add(self, event: Event) -> None:
        """Take an event.

        Raises:
            InternalError: The server breaks the protocol.
        """
        match event:
            case Picture(view=view):
                self._pictures[view] = event
            case ConditionMap(kind, pixels) if kind in _OF_GARMENTS:
                self._of_garments.setdefault(event.garment, {})[kind] = pixels
            case ConditionMap(kind, pixels):
                self._of_views.setdefault(event.view, {})[kind] = pixels
            case Turntable(data):
                self._turntable = data
            case Finished(manifest):
                self.result = self._whole(manifest)

    def _whole(self, manifest: try_on_pb2.Manifest) -> TryOnResult:
        if not self._pictures or self._pictures.keys() != set(range(len(self._pictures))):
            raise InternalError(
                f"the server's answer breaks the protocol: it has pictures of the views {sorted(self._pictures)}"
            )
        seconds: dict[Stage, float] = {}
        for record in manifest.stages:
            stage = stage_of(record.stage)
            seconds[stage] = max(seconds.get(stage, 0.0), record.seconds)
        return TryOnResult(
            views=tuple(self._view(index, manifest) for index in range(len(self._pictures))),
            garments=tuple(self._of_garments.get(index, {}) for index in range(max(len(manifest.garments), 1))),
            stage_seconds=seconds,
            manifest=manifest,
            turntable=self._turntable,
        )

    def _view(self, index: int, manifest: try_on_pb2.Manifest) -> ViewResult:
        record = manifest.views[index] if index < len(manifest.views) else try_on_pb2.ViewRecord()
        picture = self._pictures[index]
        return ViewResult(
            picture=picture.data,
            media_type=picture.media_type,
            maps=self._of_views.get(index, {}),
            fidelity={told.garment: report_of(told.report) for told in record.fidelity},
            keypoints={point.name: (point.x, point.y) for point in record.keypoints},
            making=making_of(record),
            repairs=repairs_of(record.repairs),
        )
