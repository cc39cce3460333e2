"""Brokers to run against: embedded and real."""
