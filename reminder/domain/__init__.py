"""The values everybody shares: measures, people, reminders. Frozen, and standard library only."""
