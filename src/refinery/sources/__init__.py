"""Users' files in, documents out."""
