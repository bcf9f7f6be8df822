"""Who gets in: the office's accounts and sessions, programs' tokens, and the units' signed links."""
