"""An app that obeys: two replicas, a model, a file server that serves nothing without a pass."""
