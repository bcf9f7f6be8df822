"""What the office does: acts on measures, and the units' weekly reports."""
