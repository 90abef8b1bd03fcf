"""Policy as dated data: parameters, strategies, wording."""
