"""SQL of webhooks: endpoints, deliveries as they are made and looked at, and claims for those who deliver."""
