"""What every Facet service needs and none owns."""
