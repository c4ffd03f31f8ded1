"""Tests of `paceline.router.testing`, which is public too."""
