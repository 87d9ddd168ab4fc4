"""The compact extractor: a small trained model that finds entities and relations on any machine, offline."""
