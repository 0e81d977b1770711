"""Where units of work run: in this process, in a process pool, or on a cluster."""
