"""One file per carrier: data only. ``carriers.registry`` lists them."""
