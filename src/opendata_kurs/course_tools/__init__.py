"""Tools for trainers: nbgrader's configuration, release, hand-ins, grading, feedback, export, round trips."""
