"""What is measured on a document (measurers) and what is decided from it (rule sets)."""
