"""What is served over HTTP: the office's desk, the units' pages, the API, feeds, health. Holds no policy."""
