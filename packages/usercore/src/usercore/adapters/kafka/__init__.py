"""Kafka by aiokafka: connections, topics, and a producer that cannot put events out of order."""
