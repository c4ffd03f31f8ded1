"""A page that shows what the router does, live: a listener that counts, a feed, and the page itself."""

from .changes import Changes
from .collector import Collector
from .feed import Feed
from .mounted import mount, routes
from .now import Loaded, Now, loaded

__all__ = ["Changes", "Collector", "Feed", "Loaded", "Now", "loaded", "mount", "routes"]
