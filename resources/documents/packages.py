"""Optional packages: which ones reading documents and recognising text need, and whether they are there. None is imported here."""

from __future__ import annotations

from resources.kernel.errors import MissingDependencyError
from resources.sandbox.program import check_packages

PACKAGES = {
    "pypdfium2": "pypdfium2", "lxml": "lxml", "markdown_it": "markdown-it-py", "striprtf": "striprtf",
    "trafilatura": "trafilatura",
}  # fmt: skip
"""Modules that a worker imports -> packages that they come with; all are in the extra `documents`."""
OCR_PACKAGES = {"rapidocr": "rapidocr", "onnxruntime": "onnxruntime"}
"""The same of the extra `ocr`."""


def check_parsers() -> None:
    """Refuses to begin without the packages that read documents.

    Raises:
        MissingDependencyError: one is not installed.
    """
    check_packages(PACKAGES, "documents", "Reading documents")


def check_ocr() -> None:
    """Refuses to begin without the packages that recognise text.

    Raises:
        MissingDependencyError: one is not installed.
    """
    check_packages(OCR_PACKAGES, "ocr", "Recognising text in pictures")


def missing_ocr() -> str:
    """What stands in the way of recognising text, and what to do; empty: nothing."""
    try:
        check_ocr()
    except MissingDependencyError as error:
        return str(error)
    return ""
