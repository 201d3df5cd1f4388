"""The doctor's checks: each looks at one thing and changes nothing."""
