"""The database: engine, tables, migrations. Rows stay in here; other rooms get domain values."""
