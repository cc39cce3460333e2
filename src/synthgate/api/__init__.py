"""A verdict by HTTP, for platforms that speak no Kafka. Decides nothing itself; any number of replicas."""
