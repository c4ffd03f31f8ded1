"""The dashboard: what the gateway sees, live, in a page."""
