"""From a request of a carrier to messages and receipts: bodies, paths, charsets, times, parts, events. Compiled by ``engine``."""
