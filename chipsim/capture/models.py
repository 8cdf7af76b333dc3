"""Which capture model belongs to which kind of device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chipsim.capture import cluster_chip, pore_filter, pore_published, published, spiral, spiral_published
from chipsim.capture.entries import Capture
from geometries.quantities import DesignError


@dataclass(frozen=True)
class Model:
    """What a device's capture model answers; ``check_drive`` takes device and operation, ``check_bodies`` device and bodies."""

    capture: Callable[..., Capture]
    check: Callable[[Iterable[Any]], None]
    comparison: Callable[..., Any]
    check_drive: Callable[..., None] = lambda device, operation: None
    check_bodies: Callable[[Any, Iterable[Any]], None] = lambda device, suspension: None


MODELS = {
    "cluster_chip": Model(cluster_chip.capture, cluster_chip.check, published.comparison),
    "pore_filter": Model(
        pore_filter.capture, pore_filter.check, pore_published.comparison, pore_filter.check_drive
    ),
    "spiral": Model(
        spiral.capture, spiral.check, spiral_published.comparison, spiral.check_drive, spiral.check_bodies
    ),
}


def _model(device: Any) -> Model:
    if device.kind not in MODELS:
        raise DesignError(f'device.kind = "{device.kind}" has no capture model')
    return MODELS[device.kind]


def capture(device: Any, flow: Any, operation: Any, suspension: Iterable[Any], **options: Any) -> Capture:
    """Estimate what a device retains, lets pass and breaks.

    Args:
        device: The device.
        flow: Its solved flow.
        operation: How it is run.
        suspension: What is carried in.
        options: ``seed`` (same seed, same bytes), ``progress`` (called with a few words before each step), and what the device's
            own model takes besides: :func:`chipsim.capture.cluster_chip.capture`, :func:`chipsim.capture.pore_filter.capture`,
            :func:`chipsim.capture.spiral.capture`.

    Raises:
        DesignError: A device without a model, a cell line that lacks a number, or an impossible size.
    """
    return _model(device).capture(device, flow, operation, suspension, **options)


def check(device: Any, suspension: Iterable[Any], operation: Any = None, **options: Any) -> None:
    """Refuse what the device's model cannot predict; worth calling before the flow is solved.

    Args:
        device: The device.
        suspension: What is carried in.
        operation: How it is run; None: not looked at.
        options: Of a spiral ``table``, as for :func:`capture`.

    Raises:
        DesignError: As for :func:`capture`.
    """
    model = _model(device)
    model.check(suspension)
    model.check_bodies(device, suspension)
    if operation is not None:
        model.check_drive(device, operation, **options)


def comparison(device: Any, flow: Any, operation: Any, **options: Any) -> Any:
    """Prediction beside what was published, with ``to_dict()`` and ``shortfalls``.

    Args:
        device: The device.
        flow: Its solved flow.
        operation: How it is run.
        options: ``seed``, and what the device's own comparison takes besides: :func:`chipsim.capture.published.comparison`,
            :func:`chipsim.capture.pore_published.comparison`.
    """
    return _model(device).comparison(device, flow, operation, **options)
