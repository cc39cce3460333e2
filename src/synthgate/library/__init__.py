"""The feature library (DSP 10 ¶2): versioned keywords and allow-list phrases, searched in folded text."""
