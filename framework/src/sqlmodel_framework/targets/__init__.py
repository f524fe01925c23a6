"""Named databases: where a datakit is deployed to and loaded into."""
