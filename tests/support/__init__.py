"""Real servers for tests: a private PostgreSQL and a private RabbitMQ node, started when a test asks for them."""
