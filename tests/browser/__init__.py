"""Tests in a real browser: JupyterLab and pages as learners see them."""
