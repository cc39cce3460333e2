"""What happened: events, passages, decisions, facts, and the topics they travel on."""
