"""The requests that hand MTs over and the answers to them. Compiled by ``engine``."""
