"""Find and remove injected spam in scraped web pages: a page goes in, the exact character spans to cut come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detector.datatypes import (
    BundleError,
    DetectorError,
    InputError,
    Label,
    LabelledPage,
    Page,
    Reason,
    ScanResult,
    Span,
    UsageError,
    Verdict,
)

if TYPE_CHECKING:
    from detector.pipeline import Detector

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "Detector",
    "DetectorError",
    "InputError",
    "Label",
    "LabelledPage",
    "Page",
    "Reason",
    "ScanResult",
    "Span",
    "UsageError",
    "Verdict",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import the detector itself, and NumPy with it, when it is first asked for."""
    if name == "Detector":
        from detector.pipeline import Detector

        return Detector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
