"""Small pure tools without the field's state: ids, MSISDNs, GSM segments, sealing, redaction, conditions, templates."""
