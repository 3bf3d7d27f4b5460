"""What Handoff serves over HTTP: webhooks of the CRM come in here."""
