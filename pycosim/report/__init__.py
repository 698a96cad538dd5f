"""The report: one HTML page that shows a comparison and opens anywhere, without a network."""

from pycosim.report.page import write_report

__all__ = ["write_report"]
