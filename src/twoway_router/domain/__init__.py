"""The field's words as frozen types and errors. Imported by every other package; imports none of them."""
