"""Cases: state machines over what happened, penalties, deadlines, levels, reports. Pure: no clock, no I/O."""
