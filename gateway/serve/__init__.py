"""The gateway as a server: routes, keys, limits, streams."""
