"""Results for people: tables, pages and charts."""
