"""Adapters to measurements: Prometheus, direct scraping, exposition text; all yield one Scrape value."""
