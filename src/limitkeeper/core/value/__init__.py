"""Value of a line: revenue, regulatory capital, return on it, economic profit of a limit."""
