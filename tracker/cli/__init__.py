"""Console commands. Each prints what a person needs, or JSON; a fault is one clear line and an exit code above 0."""
