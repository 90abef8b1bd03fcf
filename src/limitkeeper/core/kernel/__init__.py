"""What every stage shares: columns, quantities, dated parameters, hashes, errors."""
