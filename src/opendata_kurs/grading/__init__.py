"""Grading for a cohort: boxed, parallel and recoverable, on nbgrader's own converter and gradebook.

`execute.SplitExecute` takes the place of nbgrader's Execute step: the learner's cells and the test cells run in two
boxed processes, forked from one warm parent (`zygote`). `pool.grade_cohort` spreads hand-ins over worker processes.
"""
