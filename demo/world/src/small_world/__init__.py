"""Pictures of jewellery and everyday things, drawn from seeds, with everything known about them."""
