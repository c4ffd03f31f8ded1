"""Whether a configuration would work, and where its calls could go."""
