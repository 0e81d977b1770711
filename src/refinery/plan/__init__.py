"""From a definition to the work: the resolved graph of stages, fingerprints, shards and units."""
