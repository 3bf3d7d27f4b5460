"""HubSpot: requests built, answers read, limits kept. HubSpot names end here and in mappings/fields.yaml."""
