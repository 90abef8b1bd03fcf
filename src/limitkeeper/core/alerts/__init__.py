"""Live watching: what stands of each line, which alerts are open, what is proposed, and when to look again."""
