"""Seeded schedules of faults over the rig of ``e2e``; its history checker decides. See ``test_chaos``."""
