"""What a user declares: mixins for tables, and the datakit that holds them."""
