"""Valves: proposed by advice, approved by a person, opened and closed by rules.

`life.step` decides: yesterday's facts, what happened, the time and the limits in;
facts, commands and audit entries out. It, `interlock` and what they import are pure.
`control` keeps the facts and talks to a broker. Nothing is sent unless the settings
say so.
"""
