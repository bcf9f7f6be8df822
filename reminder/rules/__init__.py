"""What the office wants, as pure functions of ledger, calendar and days. No database, network, template or log."""
