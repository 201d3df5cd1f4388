"""Messages: who is told what, when, in which words, over which channel."""
