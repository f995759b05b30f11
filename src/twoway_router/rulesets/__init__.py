"""Rules as code: a number's keywords as a file, what a file would change, and what a change does to messages. Pure."""
