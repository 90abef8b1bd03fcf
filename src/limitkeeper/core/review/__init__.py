"""Looking back: what the decisions were worth, judged by what happened."""
