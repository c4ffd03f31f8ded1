"""A soak: many calls through a gateway of its own process, whose vendors fail and whose clients leave."""
