"""Graded questions for people who do not program: YAML in, a question form in the notebook, points out."""

from __future__ import annotations

from .display import antwort, grade_quiz, open_questions, quiz

__all__ = ["antwort", "grade_quiz", "open_questions", "quiz"]
