"""The bus: what is said over MQTT, under which topic, and the one adapter that talks to the client library."""
