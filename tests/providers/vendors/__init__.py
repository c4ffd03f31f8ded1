"""Vendors on loopback, faithful to their documentation, and their own SDKs to prove them so."""
