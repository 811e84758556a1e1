"""Names of containers: what they ask of DNS on a network of their own, and who answers."""
