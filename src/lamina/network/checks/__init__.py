"""Checks that find networks which run but are wrong; each has a code, a severity, and can be switched off."""

from lamina.network.checks import layers, outputs
from lamina.network.checks.check import CheckFinding, Complaint, Neighbours, Severity, check, codes, run_checks

__all__ = ["CheckFinding", "Complaint", "Neighbours", "Severity", "check", "codes", "layers", "outputs", "run_checks"]
