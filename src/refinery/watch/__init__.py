"""What a run tells of itself: typed events, and who reads them: terminal, JSON lines, log, status file."""
