"""How it runs: the only home of Faust and Kafka."""
