"""The console: pages for staff and customers over the answers of the API."""
