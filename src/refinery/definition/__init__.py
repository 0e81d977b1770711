"""The pipeline definition: its models, its loading from YAML, and every check made before any work."""
