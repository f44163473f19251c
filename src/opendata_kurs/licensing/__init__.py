"""Licences of open data: what each one asks for, what combines with what, and whether a credit line is complete.

The rules are data: `licences.json` and `combinations.json` hold facts with evidence and date. This module reads
them; it is a learning aid and no legal advice.
"""

from .combining import PURPOSES, Combination, combine
from .credit import Missing, check_credit_line
from .licences import Licence, UnknownLicenceError, canonical, licence, licences

__all__ = [
    "PURPOSES",
    "Combination",
    "Licence",
    "Missing",
    "UnknownLicenceError",
    "canonical",
    "check_credit_line",
    "combine",
    "licence",
    "licences",
]
