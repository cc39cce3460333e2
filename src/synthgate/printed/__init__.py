"""Pages for people as PDF: our own HTML pages, printed with a font that is embedded (ADR 0032)."""
