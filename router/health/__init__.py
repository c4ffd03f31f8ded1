"""Which endpoints are in, which are out and for how long, and how those that come back are eased in."""
