"""From a few seeds to all documents of their topic: rounds over a sample of a pool, which read no text."""
