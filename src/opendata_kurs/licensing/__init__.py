"""Licences of open data: what each one asks for, what combines with what, and whether a credit line is complete.

The rules are data: `licences.json` and `combinations.json` hold facts with evidence and date. This module reads
them; it is a learning aid and no legal advice.
"""

from .builder import credit_builder
from .choosing import Recommendation, decision_path, licence_table, recommend_licence
from .combining import PURPOSES, Combination, combine
from .credit import CreditPart, Missing, check_credit_line, credit_checklist, credit_parts
from .licences import Licence, UnknownLicenceError, canonical, licence, licences

__all__ = [
    "PURPOSES",
    "Combination",
    "CreditPart",
    "Licence",
    "Missing",
    "Recommendation",
    "UnknownLicenceError",
    "canonical",
    "check_credit_line",
    "combine",
    "credit_builder",
    "credit_checklist",
    "credit_parts",
    "decision_path",
    "licence",
    "licence_table",
    "licences",
    "recommend_licence",
]
