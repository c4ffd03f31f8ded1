"""Tests of `paceline.router`. A package, so that its files may be named as those of tests/policies are."""
