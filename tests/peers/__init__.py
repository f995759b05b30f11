"""Other people's programs in front of us and behind us, on loopback. Run by `make test-peers`."""
