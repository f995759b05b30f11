"""The carriers' door: verify → parse → route → store in a group commit → acknowledge. Nothing of the tenant API is here."""
