"""A simulated world with known events, and the scoring of what was found in it.

Only tests and the demonstration use this room; nothing else imports it.
"""
